using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Runs kernel problems on a backend of one vector width, in memory that notices a kernel leaving its operands.</summary>
internal sealed class KernelBed : IDisposable
{
    private readonly WorkerPool _pool;
    private readonly string _name;

    public KernelBed(string width, int threads = 2, bool composite = false)
    {
        _pool = new WorkerPool(threads);
        _name = composite ? width + " composite" : width;
        Backend = width switch
        {
            nameof(Vec512) => composite ? new CpuPrimitives<Vec512>(_pool) : new CpuBackend<Vec512>(_pool),
            nameof(Vec256) => composite ? new CpuPrimitives<Vec256>(_pool) : new CpuBackend<Vec256>(_pool),
            _ => composite ? new CpuPrimitives<Vec128>(_pool) : new CpuBackend<Vec128>(_pool),
        };
    }

    public static IReadOnlyList<string> Widths { get; } = [nameof(Vec512), nameof(Vec256), nameof(Vec128)];

    public Backend Backend { get; }

    /// <summary>Runs a problem, overwriting and accumulating, and compares every operand with its truth.</summary>
    public void AssertSolves(KernelProblem problem) => problem.AssertSolved(_name, accumulate => Solve(problem, accumulate));

    /// <summary>Every operand as a problem leaves it.</summary>
    public float[][] Solve(KernelProblem problem, bool accumulate = false)
    {
        using GuardedMemory memory = new(problem.Operands, accumulate);
        problem.Run(Backend, memory.Views, accumulate);
        memory.AssertIntact($"{_name} {problem.Name}");
        return [.. memory.Views.Select(view => GuardedMemory.Read(view))];
    }

    /// <summary>Managed bytes that this thread allocates in a warm call.</summary>
    public long AllocatedBytes(KernelProblem problem)
    {
        using GuardedMemory memory = new(problem.Operands, accumulate: false);
        View[] views = memory.Views;
        problem.Run(Backend, views, false);
        problem.Run(Backend, views, false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        problem.Run(Backend, views, false);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    public void Dispose()
    {
        Backend.Dispose();
        _pool.Dispose();
    }

    /// <summary>Operands in native memory, each between two runs of NaN: a kernel that reads outside spoils its result, one that writes is found out.</summary>
    private sealed unsafe class GuardedMemory : IDisposable
    {
        private const int GuardLength = 64;
        private const int GuardBits = 0x7FC0DEAD;
        private readonly List<nint> _blocks = [];

        public GuardedMemory(Operand[] operands, bool accumulate)
        {
            Views = new View[operands.Length];
            for (int k = 0; k < operands.Length; k++)
            {
                Operand operand = operands[k];
                int count = checked((int)operand.Shape.Count);
                float* block = (float*)NativeMemory.AlignedAlloc((nuint)(count + (2 * GuardLength)) * sizeof(float), 64);
                _blocks.Add((nint)block);
                new Span<int>(block, count + (2 * GuardLength)).Fill(GuardBits);
                bool filled = operand.Access is Access.Input or Access.InPlace || (operand.Access == Access.Gradient && accumulate);
                if (filled)
                    operand.Values.CopyTo(new Span<float>(block + GuardLength, count));
                Views[k] = new View((nint)(block + GuardLength), DType.F32, operand.Shape);
            }
        }

        public View[] Views { get; }

        public static float[] Read(View view) => new ReadOnlySpan<float>((void*)view.Address, (int)view.Count).ToArray();

        public void AssertIntact(string what)
        {
            foreach (View view in Views)
            {
                int* data = (int*)view.Address;
                for (int i = 1; i <= GuardLength; i++)
                    Assert.True(data[-i] == GuardBits && data[view.Count + i - 1] == GuardBits, $"{what} wrote outside an operand of shape {view.Shape}.");
            }
        }

        public void Dispose()
        {
            foreach (nint block in _blocks)
                NativeMemory.AlignedFree((void*)block);
        }
    }
}
