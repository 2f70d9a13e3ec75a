using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu;

/// <summary>What a strided copy does with an element.</summary>
internal unsafe interface IStridedStore<T> where T : unmanaged
{
    static abstract void Store(T value, T* y);

    /// <summary>n elements, dense on both sides.</summary>
    static abstract void StoreRun(T* x, T* y, long n);
}

/// <summary>The walk of a <see cref="StridedPlan"/>. Elements are moved as integers of their size, so no conversion touches them.</summary>
internal static unsafe class StridedCopy
{
    private const int Block = 16;

    public readonly struct Overwrite<T> : IStridedStore<T> where T : unmanaged
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(T value, T* y) => *y = value;

        public static void StoreRun(T* x, T* y, long n) => Buffer.MemoryCopy(x, y, n * sizeof(T), n * sizeof(T));
    }

    public readonly struct Accumulate : IStridedStore<float>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(float value, float* y) => *y += value;

        public static void StoreRun(float* x, float* y, long n)
        {
            long i = 0;
            for (; i <= n - Vector256<float>.Count; i += Vector256<float>.Count)
                (Vector256.Load(y + i) + Vector256.Load(x + i)).Store(y + i);
            for (; i < n; i++)
                y[i] += x[i];
        }
    }

    /// <summary>Tiles [start, end) of the plan.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T, TStore>(T* x, T* y, in StridedPlan plan, long start, long end)
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        for (long tile = start; tile < end; tile++)
        {
            (long rest, long firstColumn) = Math.DivRem(tile, plan.ColumnTiles);
            (long panel, long firstRow) = Math.DivRem(rest, plan.RowTiles);
            firstColumn *= plan.TileColumns;
            firstRow *= plan.TileRows;
            T* from = x + (firstRow * plan.Row.StrideX) + (firstColumn * plan.Column.StrideX);
            T* to = y + (firstRow * plan.Row.StrideY) + (firstColumn * plan.Column.StrideY);
            for (int axis = plan.OuterRank - 1; axis >= 0; axis--)
            {
                StridedPlan.Axis outer = plan.Outer(axis);
                (panel, long i) = Math.DivRem(panel, outer.Length);
                from += i * outer.StrideX;
                to += i * outer.StrideY;
            }

            StridedPlan.Axis row = plan.Row with { Length = Math.Min(plan.TileRows, plan.Row.Length - firstRow) };
            StridedPlan.Axis column = plan.Column with { Length = Math.Min(plan.TileColumns, plan.Column.Length - firstColumn) };
            if (column.StrideX == 1 && column.StrideY == 1)
                Runs<T, TStore>(from, to, row, column.Length);
            else if (plan.IsTransposition)
                Transpose<T, TStore>(from, to, row, column);
            else
                Elements<T, TStore>(from, to, row, column);
        }
    }

    private static void Runs<T, TStore>(T* x, T* y, StridedPlan.Axis row, long n)
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        for (long i = 0; i < row.Length; i++)
            TStore.StoreRun(x + (i * row.StrideX), y + (i * row.StrideY), n);
    }

    /// <summary>Any strides, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Elements<T, TStore>(T* x, T* y, StridedPlan.Axis row, StridedPlan.Axis column)
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        for (long i = 0; i < row.Length; i++)
        {
            T* from = x + (i * row.StrideX), to = y + (i * row.StrideY);
            for (long j = 0; j < column.Length; j++, from += column.StrideX, to += column.StrideY)
                TStore.Store(*from, to);
        }
    }

    /// <summary>x is dense along rows, y along columns: squares whose lines of x and y stay in the L1 together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose<T, TStore>(T* x, T* y, StridedPlan.Axis row, StridedPlan.Axis column)
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        for (long i = 0; i < row.Length; i += Block)
        {
            long rows = Math.Min(Block, row.Length - i);
            for (long j = 0; j < column.Length; j += Block)
            {
                long columns = Math.Min(Block, column.Length - j);
                T* from = x + i + (j * column.StrideX), to = y + (i * row.StrideY) + j;
                if (Avx.IsSupported && sizeof(T) == sizeof(float) && typeof(TStore) == typeof(Overwrite<T>) && rows == Block && columns == Block)
                    TransposeBlock((float*)from, column.StrideX, (float*)to, row.StrideY);
                else if (columns < rows)
                    Elements<T, TStore>(from, to, column with { Length = columns }, row with { Length = rows });
                else
                    Elements<T, TStore>(from, to, row with { Length = rows }, column with { Length = columns });
            }
        }
    }

    /// <summary>A 16x16 square of 32-bit elements as four 8x8 ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeBlock(float* x, long strideX, float* y, long strideY)
    {
        for (int i = 0; i < Block; i += 8)
        {
            for (int j = 0; j < Block; j += 8)
                TransposeEight(x + (i * strideX) + j, strideX, y + (j * strideY) + i, strideY);
        }
    }

    /// <summary>Unpack pairs, shuffle quads, swap halves: three stages, eight rows each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeEight(float* x, long strideX, float* y, long strideY)
    {
        Vector256<float> r0 = Vector256.Load(x), r1 = Vector256.Load(x + strideX);
        Vector256<float> r2 = Vector256.Load(x + (2 * strideX)), r3 = Vector256.Load(x + (3 * strideX));
        Vector256<float> r4 = Vector256.Load(x + (4 * strideX)), r5 = Vector256.Load(x + (5 * strideX));
        Vector256<float> r6 = Vector256.Load(x + (6 * strideX)), r7 = Vector256.Load(x + (7 * strideX));

        Vector256<float> p0 = Avx.UnpackLow(r0, r1), p1 = Avx.UnpackHigh(r0, r1);
        Vector256<float> p2 = Avx.UnpackLow(r2, r3), p3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> p4 = Avx.UnpackLow(r4, r5), p5 = Avx.UnpackHigh(r4, r5);
        Vector256<float> p6 = Avx.UnpackLow(r6, r7), p7 = Avx.UnpackHigh(r6, r7);

        Vector256<float> q0 = Avx.Shuffle(p0, p2, 0x44), q1 = Avx.Shuffle(p0, p2, 0xEE);
        Vector256<float> q2 = Avx.Shuffle(p1, p3, 0x44), q3 = Avx.Shuffle(p1, p3, 0xEE);
        Vector256<float> q4 = Avx.Shuffle(p4, p6, 0x44), q5 = Avx.Shuffle(p4, p6, 0xEE);
        Vector256<float> q6 = Avx.Shuffle(p5, p7, 0x44), q7 = Avx.Shuffle(p5, p7, 0xEE);

        Avx.Permute2x128(q0, q4, 0x20).Store(y);
        Avx.Permute2x128(q1, q5, 0x20).Store(y + strideY);
        Avx.Permute2x128(q2, q6, 0x20).Store(y + (2 * strideY));
        Avx.Permute2x128(q3, q7, 0x20).Store(y + (3 * strideY));
        Avx.Permute2x128(q0, q4, 0x31).Store(y + (4 * strideY));
        Avx.Permute2x128(q1, q5, 0x31).Store(y + (5 * strideY));
        Avx.Permute2x128(q2, q6, 0x31).Store(y + (6 * strideY));
        Avx.Permute2x128(q3, q7, 0x31).Store(y + (7 * strideY));
    }
}
