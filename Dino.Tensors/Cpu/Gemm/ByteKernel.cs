using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>One register tile of a product of bytes: y [R, C vectors] = Σ over k of x [R, k] · panel [k, C vectors] in 32-bit integers, all sums in registers.</summary>
/// <remarks>x is unsigned, the panel signed; a lane takes four k at a time. 6 x 2 vectors and three operands fill 16 registers, all that VEX-encoded AVX-VNNI has.</remarks>
internal static unsafe class ByteKernel<D>
    where D : struct, IByteVec<D>
{
    /// <summary>Computes a tile of <paramref name="rows"/> (1..6) x <paramref name="vectors"/> (1 or 2).</summary>
    /// <param name="panel">Groups of four k of the first column wanted.</param>
    /// <param name="width">Columns of the panel, and of y.</param>
    /// <param name="depth">A multiple of four.</param>
    public static void Run(int rows, int vectors, byte* x, nint strideX, byte* panel, int width, int depth, int* y)
    {
        if (vectors == 1)
            Run<Size1>(rows, x, strideX, panel, width, depth, y);
        else
            Run<Size2>(rows, x, strideX, panel, width, depth, y);
    }

    private static void Run<C>(int rows, byte* x, nint strideX, byte* panel, int width, int depth, int* y)
        where C : ISize
    {
        switch (rows)
        {
            case 1: Run<Size1, C>(x, strideX, panel, width, depth, y); break;
            case 2: Run<Size2, C>(x, strideX, panel, width, depth, y); break;
            case 3: Run<Size3, C>(x, strideX, panel, width, depth, y); break;
            case 4: Run<Size4, C>(x, strideX, panel, width, depth, y); break;
            case 5: Run<Size5, C>(x, strideX, panel, width, depth, y); break;
            default: Run<Size6, C>(x, strideX, panel, width, depth, y); break;
        }
    }

    // Optimised at once, as MicroKernel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R, C>(byte* x, nint strideX, byte* panel, nint width, int depth, int* y)
        where R : ISize
        where C : ISize
    {
        D s00 = D.Zero, s01 = D.Zero, s10 = D.Zero, s11 = D.Zero, s20 = D.Zero, s21 = D.Zero;
        D s30 = D.Zero, s31 = D.Zero, s40 = D.Zero, s41 = D.Zero, s50 = D.Zero, s51 = D.Zero;
        byte* x1 = x + strideX, x2 = x1 + strideX, x3 = x2 + strideX, x4 = x3 + strideX, x5 = x4 + strideX;
        for (nint k = 0; k < depth; k += 4)
        {
            D b0 = D.Load(panel);
            D b1 = C.Value > 1 ? D.Load(panel + 4 * D.Count) : D.Zero;
            Step<C>(x + k, b0, b1, ref s00, ref s01);
            if (R.Value > 1)
                Step<C>(x1 + k, b0, b1, ref s10, ref s11);
            if (R.Value > 2)
                Step<C>(x2 + k, b0, b1, ref s20, ref s21);
            if (R.Value > 3)
                Step<C>(x3 + k, b0, b1, ref s30, ref s31);
            if (R.Value > 4)
                Step<C>(x4 + k, b0, b1, ref s40, ref s41);
            if (R.Value > 5)
                Step<C>(x5 + k, b0, b1, ref s50, ref s51);
            panel += 4 * width;
        }

        Finish<C>(s00, s01, y);
        if (R.Value > 1)
            Finish<C>(s10, s11, y += width);
        if (R.Value > 2)
            Finish<C>(s20, s21, y += width);
        if (R.Value > 3)
            Finish<C>(s30, s31, y += width);
        if (R.Value > 4)
            Finish<C>(s40, s41, y += width);
        if (R.Value > 5)
            Finish<C>(s50, s51, y += width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<C>(byte* x, D b0, D b1, ref D s0, ref D s1)
        where C : ISize
    {
        D four = D.Create(*(uint*)x);
        s0 = D.MultiplyAdd(four, b0, s0);
        if (C.Value > 1)
            s1 = D.MultiplyAdd(four, b1, s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<C>(D s0, D s1, int* y)
        where C : ISize
    {
        D.Store(s0, y);
        if (C.Value > 1)
            D.Store(s1, y + D.Count);
    }
}
