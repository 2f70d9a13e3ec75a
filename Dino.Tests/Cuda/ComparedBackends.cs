using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>An operand of a primitive: its first contents, and how many elements of its memory lie before it.</summary>
internal sealed record Contents(DType Type, Shape Shape, byte[] Bytes, int Offset = 0)
{
    public static Contents Of(Shape shape, ReadOnlySpan<float> values, int offset = 0) =>
        new(DType.F32, shape, MemoryMarshal.AsBytes(values[..(int)shape.Count]).ToArray(), offset);

    public static Contents Of(Shape shape, ReadOnlySpan<int> values, int offset = 0) =>
        new(DType.I32, shape, MemoryMarshal.AsBytes(values[..(int)shape.Count]).ToArray(), offset);

    /// <summary>Quarters from -6 to 6: sums of them are exact, and equal ones happen.</summary>
    public static Contents Quarters(Shape shape, int seed, int offset = 0)
    {
        Random random = new(seed);
        return Of(shape, [.. Enumerable.Range(0, (int)shape.Count).Select(_ => random.Next(-24, 25) / 4f)], offset);
    }

    /// <summary>Uniform in [low, high).</summary>
    public static Contents Uniform(Shape shape, int seed, float low, float high, int offset = 0)
    {
        Random random = new(seed);
        return Of(shape, [.. Enumerable.Range(0, (int)shape.Count).Select(_ => low + ((high - low) * random.NextSingle()))], offset);
    }

    /// <summary>Memory that nothing has been written to: NaN.</summary>
    public static Contents Unwritten(Shape shape, int offset = 0, DType type = DType.F32)
    {
        byte[] bytes = new byte[shape.Count * type.Size()];
        bytes.AsSpan().Fill(0xFF);
        return new(type, shape, bytes, offset);
    }
}

/// <summary>The CUDA backend and the CPU's, which are given the same work and compared.</summary>
internal sealed class ComparedBackends : IDisposable
{
    private readonly Device _cpu = Devices.Create("cpu-256"), _cuda = Devices.Create("cuda");

    public Backend Cuda => _cuda.Backend;

    /// <summary>Every element of every operand is the same afterwards: equal, or NaN in both. Results that are subnormal on the CPU are 0 on the device.</summary>
    public void AssertEqual(string what, Contents[] operands, Action<Backend, View[]> work) =>
        AssertAgree(what, operands, work, (expected, actual) => expected == actual || (float.IsSubnormal(expected) && actual == 0));

    /// <summary>As <see cref="AssertEqual"/>, with another rule for floats that are not NaN.</summary>
    public void AssertAgree(string what, Contents[] operands, Action<Backend, View[]> work, Func<float, float, bool> agrees)
    {
        byte[][] expected = Run(_cpu.Backend, operands, work), actual = Run(Cuda, operands, work);
        for (int k = 0; k < operands.Length; k++)
        {
            if (operands[k].Type != DType.F32)
            {
                int at = expected[k].AsSpan().CommonPrefixLength(actual[k]);
                Assert.True(at == expected[k].Length, $"{what}: byte {at} of operand {k} {operands[k].Shape} is not that of the CPU.");
                continue;
            }

            ReadOnlySpan<float> truth = MemoryMarshal.Cast<byte, float>(expected[k]), found = MemoryMarshal.Cast<byte, float>(actual[k]);
            for (int i = 0; i < truth.Length; i++)
            {
                bool same = float.IsNaN(truth[i]) ? float.IsNaN(found[i]) : !float.IsNaN(found[i]) && agrees(truth[i], found[i]);
                if (!same)
                    Assert.Fail($"{what}: element {i} of operand {k} {operands[k].Shape} is {found[i]:G9}, on the CPU {truth[i]:G9}.");
            }
        }
    }

    /// <summary>The bytes of all operands after the work.</summary>
    public static byte[][] Run(Backend backend, Contents[] operands, Action<Backend, View[]> work)
    {
        // Memory ends with the operand, so that an access behind it is noticed.
        View[] views = new View[operands.Length];
        List<(nint Address, long Bytes)> memory = [];
        for (int k = 0; k < operands.Length; k++)
        {
            Contents operand = operands[k];
            long before = (long)operand.Offset * operand.Type.Size(), bytes = Math.Max(1, before + operand.Bytes.Length);
            memory.Add((backend.Allocate(bytes), bytes));
            views[k] = new View(memory[k].Address + (nint)before, operand.Type, operand.Shape);
            backend.Upload(operand.Bytes, views[k]);
        }

        work(backend, views);
        byte[][] results = [.. operands.Select(operand => new byte[operand.Bytes.Length])];
        for (int k = 0; k < operands.Length; k++)
            backend.Download(views[k], results[k]);
        foreach ((nint address, long bytes) in memory)
            backend.Free(address, bytes);
        return results;
    }

    public void Dispose()
    {
        _cuda.Dispose();
        _cpu.Dispose();
    }
}
