using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Runs kernel problems in the memory of a device, each operand between two runs of NaN that no kernel may change.</summary>
internal sealed class DeviceBed : IDisposable
{
    private const int GuardLength = 64;
    private const uint GuardBits = 0x7FC0DEAD;
    private readonly string _name;
    private readonly Device _device;
    private readonly int _shift;

    /// <summary>A bed on a new device.</summary>
    /// <param name="device">Its name among <see cref="Devices"/>.</param>
    /// <param name="shift">Elements by which operands miss the alignment of allocated memory.</param>
    public DeviceBed(string device, int shift = 0)
    {
        (_name, _shift) = (shift == 0 ? device : $"{device}, {shift} elements off", shift);
        _device = Devices.Create(device);
    }

    /// <inheritdoc cref="KernelBed.AssertSolves"/>
    public void AssertSolves(KernelProblem problem) => problem.AssertSolved(_name, accumulate => Solve(problem, accumulate));

    /// <summary>Every operand as a problem leaves it.</summary>
    public float[][] Solve(KernelProblem problem, bool accumulate = false)
    {
        Backend backend = _device.Backend;
        View[] blocks = Array.ConvertAll(problem.Operands, operand => Block(operand, accumulate));
        View[] views = [.. blocks.Zip(problem.Operands, (block, operand) => block.Slice(GuardLength + _shift, operand.Shape))];
        problem.Run(backend, views, accumulate);
        float[][] results = Array.ConvertAll(blocks, Read);
        foreach (View block in blocks)
            backend.Free(block.Address, block.Bytes);
        return results;
    }

    public void Dispose() => _device.Dispose();

    private View Block(Operand operand, bool accumulate)
    {
        int count = checked((int)operand.Shape.Count);
        uint[] content = new uint[count + (2 * GuardLength) + _shift];
        Array.Fill(content, GuardBits);
        if (operand.Access is Access.Input or Access.InPlace || (operand.Access == Access.Gradient && accumulate))
            MemoryMarshal.Cast<float, uint>(operand.Values).CopyTo(content.AsSpan(GuardLength + _shift));
        View block = new(_device.Backend.Allocate(content.Length * sizeof(float)), DType.F32, [content.Length]);
        _device.Backend.Upload(MemoryMarshal.AsBytes<uint>(content), block);
        return block;
    }

    private float[] Read(View block)
    {
        float[] content = new float[block.Count];
        _device.Backend.Download(block, MemoryMarshal.AsBytes(content.AsSpan()));
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(content);
        int start = GuardLength + _shift;
        Assert.False(bits[..start].ContainsAnyExcept(GuardBits) || bits[^GuardLength..].ContainsAnyExcept(GuardBits), $"{_name} wrote outside an operand.");
        return content[start..^GuardLength];
    }
}
