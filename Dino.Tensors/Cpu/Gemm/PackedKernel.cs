using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>How the elements of a packed panel are stored, as a type argument.</summary>
internal unsafe interface IPanelElement<V>
    where V : struct, IVec<V>
{
    static abstract int Bytes { get; }

    /// <summary>A vector of elements as F32.</summary>
    /// <param name="panel">Start of a row of the panel.</param>
    /// <param name="vector">Which vector of it.</param>
    static abstract V Load(byte* panel, int vector);
}

internal readonly unsafe struct SingleElement<V> : IPanelElement<V>
    where V : struct, IVec<V>
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* panel, int vector) => V.Load((float*)panel + vector * V.Count);
}

internal readonly unsafe struct BFloat16Element<V> : IPanelElement<V>
    where V : struct, IVec<V>
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* panel, int vector) => V.LoadBFloat16((ushort*)panel + vector * V.Count);
}

/// <summary>One register tile of a product with a packed panel: y [R, C vectors] = Σ over k of x [R, k] · panel [k, C vectors], all sums in registers.</summary>
/// <remarks>
/// As in <see cref="MicroKernel{V}"/>, R and C are type arguments and every element is summed over rising k, so F32 gives the bits of the product that is
/// not packed. BF16 is widened on the way from the cache to the register: two instructions a vector, which 6 to 8 rows share.
/// </remarks>
internal static unsafe class PackedKernel<V, TElement>
    where V : struct, IVec<V>
    where TElement : struct, IPanelElement<V>
{
    /// <summary>Computes a tile of <paramref name="rows"/> (1..8) x <paramref name="vectors"/> (1..4).</summary>
    /// <param name="y">[rows, vectors · V.Count] without gaps, aligned to vectors.</param>
    /// <param name="accumulate">Add to y; otherwise y is written without being read.</param>
    public static void Run(int rows, int vectors, float* x, nint strideX, byte* panel, int depth, float* y, bool accumulate)
    {
        switch (vectors)
        {
            case 1: Run<Size1>(rows, x, strideX, panel, depth, y, accumulate); break;
            case 2: Run<Size2>(rows, x, strideX, panel, depth, y, accumulate); break;
            case 3: Run<Size3>(rows, x, strideX, panel, depth, y, accumulate); break;
            default: Run<Size4>(rows, x, strideX, panel, depth, y, accumulate); break;
        }
    }

    private static void Run<C>(int rows, float* x, nint strideX, byte* panel, int depth, float* y, bool accumulate)
        where C : ISize
    {
        switch (rows)
        {
            case 1: Run<Size1, C>(x, strideX, panel, depth, y, accumulate); break;
            case 2: Run<Size2, C>(x, strideX, panel, depth, y, accumulate); break;
            case 3: Run<Size3, C>(x, strideX, panel, depth, y, accumulate); break;
            case 4: Run<Size4, C>(x, strideX, panel, depth, y, accumulate); break;
            case 5: Run<Size5, C>(x, strideX, panel, depth, y, accumulate); break;
            case 6: Run<Size6, C>(x, strideX, panel, depth, y, accumulate); break;
            case 7: Run<Size7, C>(x, strideX, panel, depth, y, accumulate); break;
            default: Run<Size8, C>(x, strideX, panel, depth, y, accumulate); break;
        }
    }

    // Optimised at once: in the first tier this loop runs fifteen times slower, long enough to be noticed at start-up.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R, C>(float* x, nint strideX, byte* panel, int depth, float* y, bool accumulate)
        where R : ISize
        where C : ISize
    {
        V s00 = V.Zero, s01 = V.Zero, s02 = V.Zero, s03 = V.Zero;
        V s10 = V.Zero, s11 = V.Zero, s12 = V.Zero, s13 = V.Zero;
        V s20 = V.Zero, s21 = V.Zero, s22 = V.Zero, s23 = V.Zero;
        V s30 = V.Zero, s31 = V.Zero, s32 = V.Zero, s33 = V.Zero;
        V s40 = V.Zero, s41 = V.Zero, s42 = V.Zero, s43 = V.Zero;
        V s50 = V.Zero, s51 = V.Zero, s52 = V.Zero, s53 = V.Zero;
        V s60 = V.Zero, s61 = V.Zero, s62 = V.Zero, s63 = V.Zero;
        V s70 = V.Zero, s71 = V.Zero, s72 = V.Zero, s73 = V.Zero;
        float* x1 = x + strideX, x2 = x1 + strideX, x3 = x2 + strideX;
        float* x4 = x3 + strideX, x5 = x4 + strideX, x6 = x5 + strideX, x7 = x6 + strideX;
        for (nint k = 0; k < depth; k++)
        {
            V b0 = TElement.Load(panel, 0);
            V b1 = C.Value > 1 ? TElement.Load(panel, 1) : V.Zero;
            V b2 = C.Value > 2 ? TElement.Load(panel, 2) : V.Zero;
            V b3 = C.Value > 3 ? TElement.Load(panel, 3) : V.Zero;
            Step<C>(V.Create(x[k]), b0, b1, b2, b3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
                Step<C>(V.Create(x1[k]), b0, b1, b2, b3, ref s10, ref s11, ref s12, ref s13);
            if (R.Value > 2)
                Step<C>(V.Create(x2[k]), b0, b1, b2, b3, ref s20, ref s21, ref s22, ref s23);
            if (R.Value > 3)
                Step<C>(V.Create(x3[k]), b0, b1, b2, b3, ref s30, ref s31, ref s32, ref s33);
            if (R.Value > 4)
                Step<C>(V.Create(x4[k]), b0, b1, b2, b3, ref s40, ref s41, ref s42, ref s43);
            if (R.Value > 5)
                Step<C>(V.Create(x5[k]), b0, b1, b2, b3, ref s50, ref s51, ref s52, ref s53);
            if (R.Value > 6)
                Step<C>(V.Create(x6[k]), b0, b1, b2, b3, ref s60, ref s61, ref s62, ref s63);
            if (R.Value > 7)
                Step<C>(V.Create(x7[k]), b0, b1, b2, b3, ref s70, ref s71, ref s72, ref s73);
            panel += C.Value * V.Count * TElement.Bytes;
        }

        nint strideY = C.Value * V.Count;
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
