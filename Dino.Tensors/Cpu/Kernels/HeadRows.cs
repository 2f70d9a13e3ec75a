using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Moves rows of a head between packed tensors and scratch memory. Lanes are columns; tails are partial on the tensor's side and zeros
/// in scratch.
/// </summary>
internal static unsafe class HeadRows<V> where V : struct, IVec<V>
{
    /// <summary>y [rows, whole vectors] = factor · x [rows, columns], zeros beyond the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* x, nint ldx, int rows, int columns, float factor, float* y, nint ldy)
    {
        V scale = V.Create(factor);
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(V.Load(x + j) * scale, y + j);
            if (j < columns)
                V.Store(V.LoadPartial(x + j, columns - j) * scale, y + j);
        }
    }

    /// <summary>y [rows, columns] = x, or += x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(float* x, nint ldx, int rows, int columns, bool accumulate, float* y, nint ldy)
    {
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(accumulate ? V.Load(y + j) + V.Load(x + j) : V.Load(x + j), y + j);
            if (j < columns)
                V.StorePartial(accumulate ? V.LoadPartial(y + j, columns - j) + V.Load(x + j) : V.Load(x + j), y + j, columns - j);
        }
    }

    /// <summary>y [rows, columns] = x, each row times its factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackScaled(float* x, nint ldx, int rows, int columns, float* factors, float* y, nint ldy)
    {
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            V factor = V.Create(factors[i]);
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(V.Load(x + j) * factor, y + j);
            if (j < columns)
                V.StorePartial(V.Load(x + j) * factor, y + j, columns - j);
        }
    }

    /// <summary>sums [rows] = Σ a · b of each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot(float* a, nint lda, float* b, nint ldb, int rows, int columns, float* sums)
    {
        for (int i = 0; i < rows; i++, a += lda, b += ldb)
        {
            V sum = V.Zero;
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                sum = V.MultiplyAdd(V.Load(a + j), V.Load(b + j), sum);
            if (j < columns)
                sum = V.MultiplyAdd(V.LoadPartial(a + j, columns - j), V.LoadPartial(b + j, columns - j), sum);
            sums[i] = V.Sum(sum);
        }
    }
}
