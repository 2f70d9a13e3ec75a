using System.Runtime.CompilerServices;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Side of the squares that <c>copy.cu</c> turns in shared memory.</summary>
    private const int Square = 32;

    private readonly record struct WalkAxis(long StrideX, long StrideY, Divisor Length, uint Padding = 0);

    [InlineArray(Shape.MaxRank)]
    private struct WalkAxes
    {
        private WalkAxis _first;
    }

    private readonly record struct WalkArguments(nint X, nint Y, int Count, int Rank, WalkAxes Axes);

    private readonly record struct SequenceArguments(WalkArguments Walk, int RepeatFree, int Padding = 0);

    private readonly record struct TranspositionArguments(WalkArguments Walk, Divisor ColumnTiles, Divisor RowTiles);

    public override void Copy(in View x, in View y)
    {
        if (x.Address != y.Address)
            _queue.Copy(x.Address, y.Address, y.Bytes);
    }

    public override void CopyStrided(in StridedView x, in StridedView y, bool accumulate)
    {
        if (accumulate && y.DType != DType.F32)
            throw new ArgumentException($"A strided copy accumulates in F32 only, not in {y.DType}.", nameof(accumulate));
        if (y.Shape.Count == 0)
            return;
        StridedPlan plan = StridedPlan.Create(x, y);
        Span<StridedPlan.Axis> axes = stackalloc StridedPlan.Axis[Shape.MaxRank];
        int rank = 0;
        // From the innermost axis; one of a single element takes no part.
        axes[rank++] = plan.Column;
        if (plan.Row.Length > 1)
            axes[rank++] = plan.Row;
        for (int i = plan.OuterRank - 1; i >= 0; i--)
            axes[rank++] = plan.Outer(i);
        axes = axes[..rank];

        int size = y.DType.Size();
        if (!plan.MayRunInParallel)
            WalkInOrder(x.Address, y.Address, axes, size, accumulate);
        else if (plan.IsTransposition && Math.Min(plan.Row.Length, plan.Column.Length) >= Square / 2)
            Transpose(x.Address, y.Address, axes, size, accumulate);
        else
            WalkRuns(x.Address, y.Address, axes, size, accumulate);
    }

    /// <summary>Moves what is dense on both sides in runs of up to 16 bytes.</summary>
    private void WalkRuns(nint x, nint y, Span<StridedPlan.Axis> axes, int size, bool accumulate)
    {
        int run = size;
        if (axes[0] is { StrideX: 1, StrideY: 1 })
        {
            long together = x | y | (axes[0].Length * size);
            foreach (StridedPlan.Axis axis in axes[1..])
                together |= (axis.StrideX | axis.StrideY) * size;
            run = UnitBytes(together);
        }

        if (accumulate && run < 16)
            run = size;
        int elements = run / size;
        if (elements > 1)
        {
            axes[0] = axes[0] with { Length = axes[0].Length / elements };
            for (int i = 1; i < axes.Length; i++)
                axes[i] = axes[i] with { StrideX = axes[i].StrideX / elements, StrideY = axes[i].StrideY / elements };
        }

        string kernel = (run, accumulate) switch
        {
            (4, true) => "copy_walk_add_4",
            (16, true) => "copy_walk_add_16",
            (1, _) => "copy_walk_1",
            (2, _) => "copy_walk_2",
            (4, _) => "copy_walk_4",
            (8, _) => "copy_walk_8",
            _ => "copy_walk_16",
        };
        Walk(_kernels["copy", kernel], x, y, axes, run);
    }

    /// <summary>Queues a walk, in two halves where the kernel cannot count its elements.</summary>
    private void Walk(Kernel kernel, nint x, nint y, ReadOnlySpan<StridedPlan.Axis> axes, int size)
    {
        long count = Elements(axes);
        if (count <= MostCounted)
        {
            LaunchOver(kernel, new WalkArguments(x, y, (int)count, axes.Length, ToArguments(axes)), count);
            return;
        }

        StridedPlan.Axis outer = axes[^1];
        if (outer.Length == 1)
        {
            Walk(kernel, x, y, axes[..^1], size);
            return;
        }

        Span<StridedPlan.Axis> half = stackalloc StridedPlan.Axis[Shape.MaxRank];
        axes.CopyTo(half);
        half = half[..axes.Length];
        long first = outer.Length / 2;
        half[^1] = outer with { Length = first };
        Walk(kernel, x, y, half, size);
        half[^1] = outer with { Length = outer.Length - first };
        Walk(kernel, x + (nint)(first * outer.StrideX * size), y + (nint)(first * outer.StrideY * size), half, size);
    }

    private void Transpose(nint x, nint y, ReadOnlySpan<StridedPlan.Axis> axes, int size, bool accumulate)
    {
        string kernel = (size, accumulate) switch
        {
            (_, true) => "copy_transpose_add_4",
            (1, _) => "copy_transpose_1",
            (2, _) => "copy_transpose_2",
            _ => "copy_transpose_4",
        };
        long columnTiles = (axes[0].Length + Square - 1) / Square, rowTiles = (axes[1].Length + Square - 1) / Square;
        TranspositionArguments arguments = new(new(x, y, 0, axes.Length, ToArguments(axes)), new Divisor(columnTiles), new Divisor(rowTiles));
        Launch(_kernels["copy", kernel], arguments, columnTiles * rowTiles * Elements(axes[2..]));
    }

    /// <summary>Elements of y are visited more than once: in the given order, as one thread would.</summary>
    private void WalkInOrder(nint x, nint y, ReadOnlySpan<StridedPlan.Axis> axes, int size, bool accumulate)
    {
        // The innermost axes of which each steps over all that those inside it reach.
        long repeatFree = 1, reach = 0;
        foreach (StridedPlan.Axis axis in axes)
        {
            long stride = Math.Abs(axis.StrideY);
            if (stride <= reach)
                break;
            reach += stride * (axis.Length - 1);
            repeatFree *= axis.Length;
        }

        string kernel = (size, accumulate) switch
        {
            (_, true) => "copy_sequence_add_4",
            (1, _) => "copy_sequence_1",
            (2, _) => "copy_sequence_2",
            _ => "copy_sequence_4",
        };
        WalkArguments walk = new(x, y, checked((int)Elements(axes)), axes.Length, ToArguments(axes));
        Launch(_kernels["copy", kernel], new SequenceArguments(walk, (int)repeatFree), 1);
    }

    private static long Elements(ReadOnlySpan<StridedPlan.Axis> axes)
    {
        long count = 1;
        foreach (StridedPlan.Axis axis in axes)
            count *= axis.Length;
        return count;
    }

    private static WalkAxes ToArguments(ReadOnlySpan<StridedPlan.Axis> axes)
    {
        WalkAxes arguments = default;
        for (int i = 0; i < axes.Length; i++)
            arguments[i] = new WalkAxis(axes[i].StrideX, axes[i].StrideY, new Divisor(axes[i].Length));
        return arguments;
    }
}
