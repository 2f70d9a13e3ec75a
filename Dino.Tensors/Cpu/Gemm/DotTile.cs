using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>
/// Dot products of R rows of a with four rows of b, both along k: lanes hold partial sums, folded in one order at the end, all of a tile
/// together. R (2..4) is a type argument; one row has too few sums to hide their latency and goes another way.
/// </summary>
internal static unsafe class DotTile<V>
    where V : struct, IVec<V>
{
    /// <summary>Rows of b in a tile.</summary>
    public const int Columns = 4;

    /// <summary>Floats that a tile's sums need: sixteen vectors of the widest kind.</summary>
    public const int Scratch = 4 * Columns * 16;

    /// <summary>Most rows of a: with sixteen registers four would spill.</summary>
    public static int MaxRows => V.Count < 16 ? 2 : 4;

    /// <summary>sums [rows, 4] = a · bᵀ.</summary>
    /// <param name="fetch">Called for every two rows of b.</param>
    /// <param name="lanes"><see cref="Scratch"/> floats.</param>
    public static void Run<F>(int rows, float* a, nint strideA, float* b0, float* b1, float* b2, float* b3, F fetch, int depth, float* lanes, float* sums)
        where F : struct, IFetch
    {
        switch (rows)
        {
            case 2: Run<Size2, F>(a, strideA, b0, b1, b2, b3, fetch, depth, lanes); break;
            case 3: Run<Size3, F>(a, strideA, b0, b1, b2, b3, fetch, depth, lanes); break;
            default: Run<Size4, F>(a, strideA, b0, b1, b2, b3, fetch, depth, lanes); break;
        }

        LaneFolds<V>.Sum(lanes, rows * Columns, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R, F>(float* a, nint strideA, float* b0, float* b1, float* b2, float* b3, F fetch, int depth, float* lanes)
        where R : ISize
        where F : struct, IFetch
    {
        V s00 = V.Zero, s01 = V.Zero, s02 = V.Zero, s03 = V.Zero;
        V s10 = V.Zero, s11 = V.Zero, s12 = V.Zero, s13 = V.Zero;
        V s20 = V.Zero, s21 = V.Zero, s22 = V.Zero, s23 = V.Zero;
        V s30 = V.Zero, s31 = V.Zero, s32 = V.Zero, s33 = V.Zero;
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA;
        int k = 0;
        for (; k <= depth - V.Count; k += V.Count)
        {
            fetch.Step(b0 + k, b1 + k);
            fetch.Step(b2 + k, b3 + k);
            V x0 = V.Load(b0 + k), x1 = V.Load(b1 + k), x2 = V.Load(b2 + k), x3 = V.Load(b3 + k);
            Step(V.Load(a + k), x0, x1, x2, x3, ref s00, ref s01, ref s02, ref s03);
            Step(V.Load(a1 + k), x0, x1, x2, x3, ref s10, ref s11, ref s12, ref s13);
            if (R.Value > 2)
                Step(V.Load(a2 + k), x0, x1, x2, x3, ref s20, ref s21, ref s22, ref s23);
            if (R.Value > 3)
                Step(V.Load(a3 + k), x0, x1, x2, x3, ref s30, ref s31, ref s32, ref s33);
        }

        if (k < depth)
        {
            int rest = depth - k;
            V x0 = V.LoadPartial(b0 + k, rest), x1 = V.LoadPartial(b1 + k, rest), x2 = V.LoadPartial(b2 + k, rest), x3 = V.LoadPartial(b3 + k, rest);
            Step(V.LoadPartial(a + k, rest), x0, x1, x2, x3, ref s00, ref s01, ref s02, ref s03);
            Step(V.LoadPartial(a1 + k, rest), x0, x1, x2, x3, ref s10, ref s11, ref s12, ref s13);
            if (R.Value > 2)
                Step(V.LoadPartial(a2 + k, rest), x0, x1, x2, x3, ref s20, ref s21, ref s22, ref s23);
            if (R.Value > 3)
                Step(V.LoadPartial(a3 + k, rest), x0, x1, x2, x3, ref s30, ref s31, ref s32, ref s33);
        }

        Keep(s00, s01, s02, s03, lanes);
        Keep(s10, s11, s12, s13, lanes + (4 * V.Count));
        if (R.Value > 2)
            Keep(s20, s21, s22, s23, lanes + (8 * V.Count));
        if (R.Value > 3)
            Keep(s30, s31, s32, s33, lanes + (12 * V.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(V a, V x0, V x1, V x2, V x3, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        s0 = V.MultiplyAdd(a, x0, s0);
        s1 = V.MultiplyAdd(a, x1, s1);
        s2 = V.MultiplyAdd(a, x2, s2);
        s3 = V.MultiplyAdd(a, x3, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(V s0, V s1, V s2, V s3, float* lanes)
    {
        V.Store(s0, lanes);
        V.Store(s1, lanes + V.Count);
        V.Store(s2, lanes + (2 * V.Count));
        V.Store(s3, lanes + (3 * V.Count));
    }
}
