using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>One register tile of a product: y [R, C vectors] = Σ over k of a [R, k] · b [k, C vectors], all sums in registers.</summary>
/// <remarks>
/// <para>
/// One body serves every tile. R (rows) and C (vectors of columns) are type arguments, so that the JIT drops what a tile does not
/// have. The sums are named locals because arrays would live in memory. With 32 registers, 8 x 3 and 6 x 4 vectors are the largest
/// tiles that do not spill; with 16 registers, 6 x 2.
/// </para>
/// <para>
/// The elements of b may be narrower than those of a (E): they are widened on the way from the cache to the register, which the rows of a tile share.
/// </para>
/// <para>
/// Every element is summed over rising k with one fused multiply-add a step, whatever its tile: results depend neither on the tiling
/// of M and N nor on the thread that computes them.
/// </para>
/// </remarks>
internal static unsafe class MicroKernel<V, E>
    where V : struct, IVec<V>
    where E : struct, IPanelElement<V>
{
    /// <summary>Computes a tile of <paramref name="rows"/> (1..8) x <paramref name="vectors"/> (1..4).</summary>
    /// <param name="a">Element (i, k) is at a[i · rowStride + k · stepA].</param>
    /// <param name="b">Row k, all vectors of it full, begins <paramref name="stepB"/> · k bytes on.</param>
    /// <param name="accumulate">Add to y; otherwise y is written without being read.</param>
    /// <param name="fetch">Asks for what later tiles will read.</param>
    public static void Run<F>(int rows, int vectors, float* a, nint rowStride, nint stepA, byte* b, nint stepB, int depth, float* y, nint strideY, bool accumulate, F fetch)
        where F : struct, IFetch
    {
        switch (vectors)
        {
            case 1: Run<Size1, F>(rows, a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 2: Run<Size2, F>(rows, a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 3: Run<Size3, F>(rows, a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            default: Run<Size4, F>(rows, a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
        }
    }

    private static void Run<C, F>(int rows, float* a, nint rowStride, nint stepA, byte* b, nint stepB, int depth, float* y, nint strideY, bool accumulate, F fetch)
        where C : ISize
        where F : struct, IFetch
    {
        switch (rows)
        {
            case 1: Run<Size1, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 2: Run<Size2, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 3: Run<Size3, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 4: Run<Size4, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 5: Run<Size5, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 6: Run<Size6, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            case 7: Run<Size7, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
            default: Run<Size8, C, F>(a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, fetch); break;
        }
    }

    // Optimised at once: in the first tier this loop runs fifteen times slower, long enough to be noticed at start-up.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R, C, F>(float* a, nint rowStride, nint stepA, byte* b, nint stepB, int depth, float* y, nint strideY, bool accumulate, F fetch)
        where R : ISize
        where C : ISize
        where F : struct, IFetch
    {
        V s00 = V.Zero, s01 = V.Zero, s02 = V.Zero, s03 = V.Zero;
        V s10 = V.Zero, s11 = V.Zero, s12 = V.Zero, s13 = V.Zero;
        V s20 = V.Zero, s21 = V.Zero, s22 = V.Zero, s23 = V.Zero;
        V s30 = V.Zero, s31 = V.Zero, s32 = V.Zero, s33 = V.Zero;
        V s40 = V.Zero, s41 = V.Zero, s42 = V.Zero, s43 = V.Zero;
        V s50 = V.Zero, s51 = V.Zero, s52 = V.Zero, s53 = V.Zero;
        V s60 = V.Zero, s61 = V.Zero, s62 = V.Zero, s63 = V.Zero;
        V s70 = V.Zero, s71 = V.Zero, s72 = V.Zero, s73 = V.Zero;

        // One pointer a row and one running offset: the same loop reads a row-major a, a transposed a and a packed a.
        float* a1 = a + rowStride, a2 = a1 + rowStride, a3 = a2 + rowStride;
        float* a4 = a3 + rowStride, a5 = a4 + rowStride, a6 = a5 + rowStride, a7 = a6 + rowStride;
        nint k = 0;
        for (int left = depth; left > 0; left--)
        {
            fetch.Step(a + k, (float*)b);
            V b0 = E.Load(b, 0);
            V b1 = C.Value > 1 ? E.Load(b, 1) : V.Zero;
            V b2 = C.Value > 2 ? E.Load(b, 2) : V.Zero;
            V b3 = C.Value > 3 ? E.Load(b, 3) : V.Zero;
            Step<C>(V.Create(a[k]), b0, b1, b2, b3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
                Step<C>(V.Create(a1[k]), b0, b1, b2, b3, ref s10, ref s11, ref s12, ref s13);
            if (R.Value > 2)
                Step<C>(V.Create(a2[k]), b0, b1, b2, b3, ref s20, ref s21, ref s22, ref s23);
            if (R.Value > 3)
                Step<C>(V.Create(a3[k]), b0, b1, b2, b3, ref s30, ref s31, ref s32, ref s33);
            if (R.Value > 4)
                Step<C>(V.Create(a4[k]), b0, b1, b2, b3, ref s40, ref s41, ref s42, ref s43);
            if (R.Value > 5)
                Step<C>(V.Create(a5[k]), b0, b1, b2, b3, ref s50, ref s51, ref s52, ref s53);
            if (R.Value > 6)
                Step<C>(V.Create(a6[k]), b0, b1, b2, b3, ref s60, ref s61, ref s62, ref s63);
            if (R.Value > 7)
                Step<C>(V.Create(a7[k]), b0, b1, b2, b3, ref s70, ref s71, ref s72, ref s73);
            k += stepA;
            b += stepB;
        }

        Finish<C>(s00, s01, s02, s03, y, accumulate);
        if (R.Value > 1)
            Finish<C>(s10, s11, s12, s13, y += strideY, accumulate);
        if (R.Value > 2)
            Finish<C>(s20, s21, s22, s23, y += strideY, accumulate);
        if (R.Value > 3)
            Finish<C>(s30, s31, s32, s33, y += strideY, accumulate);
        if (R.Value > 4)
            Finish<C>(s40, s41, s42, s43, y += strideY, accumulate);
        if (R.Value > 5)
            Finish<C>(s50, s51, s52, s53, y += strideY, accumulate);
        if (R.Value > 6)
            Finish<C>(s60, s61, s62, s63, y += strideY, accumulate);
        if (R.Value > 7)
            Finish<C>(s70, s71, s72, s73, y += strideY, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<C>(V x, V b0, V b1, V b2, V b3, ref V s0, ref V s1, ref V s2, ref V s3)
        where C : ISize
    {
        s0 = V.MultiplyAdd(x, b0, s0);
        if (C.Value > 1)
            s1 = V.MultiplyAdd(x, b1, s1);
        if (C.Value > 2)
            s2 = V.MultiplyAdd(x, b2, s2);
        if (C.Value > 3)
            s3 = V.MultiplyAdd(x, b3, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<C>(V s0, V s1, V s2, V s3, float* y, bool accumulate)
        where C : ISize
    {
        Put(s0, y, accumulate);
        if (C.Value > 1)
            Put(s1, y + V.Count, accumulate);
        if (C.Value > 2)
            Put(s2, y + 2 * V.Count, accumulate);
        if (C.Value > 3)
            Put(s3, y + 3 * V.Count, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(V sum, float* y, bool accumulate)
    {
        if (accumulate)
            sum = V.Load(y) + sum;
        V.Store(sum, y);
    }
}
