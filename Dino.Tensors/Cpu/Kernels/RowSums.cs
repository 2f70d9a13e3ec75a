using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>What one element adds to a sum; a and b are lanes of one or two rows.</summary>
internal interface ITerm<V> where V : struct, IVec<V>
{
    /// <summary>Whether <see cref="Add"/> reads b.</summary>
    static abstract bool IsPair { get; }

    /// <summary>sum + term; must be sum for lanes where a and b are 0, which is what tails are filled with.</summary>
    static abstract V Add(V sum, V a, V b);
}

/// <summary>Σ a.</summary>
internal readonly struct PlainTerm<V> : ITerm<V> where V : struct, IVec<V>
{
    public static bool IsPair => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V sum, V a, V b) => sum + a;
}

/// <summary>Σ a².</summary>
internal readonly struct SquareTerm<V> : ITerm<V> where V : struct, IVec<V>
{
    public static bool IsPair => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V sum, V a, V b) => V.MultiplyAdd(a, a, sum);
}

/// <summary>Σ a b.</summary>
internal readonly struct ProductTerm<V> : ITerm<V> where V : struct, IVec<V>
{
    public static bool IsPair => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V sum, V a, V b) => V.MultiplyAdd(a, b, sum);
}

/// <summary>Sums along contiguous rows.</summary>
/// <remarks>
/// Blocks of 2048 elements are summed in four vectors of F32 lanes (at most 128 additions in a chain at 128 bits), the blocks in double:
/// the relative error stays near 1e-7 for any length.
/// </remarks>
internal static unsafe class RowSums<V> where V : struct, IVec<V>
{
    public const int Block = 2048;

    public static double Sum(float* x, long n) => Sum<PlainTerm<V>>(x, x, n);

    public static double SumOfSquares(float* x, long n) => Sum<SquareTerm<V>>(x, x, n);

    public static double Dot(float* a, float* b, long n) => Sum<ProductTerm<V>>(a, b, n);

    /// <summary>Σ (x - centre) and Σ (x - centre)².</summary>
    public static (double Sum, double Squares) Centred(float* x, float centre, long n)
    {
        double sum = 0, squares = 0;
        for (long start = 0; start < n; start += Block)
        {
            CentredBlock(x + start, centre, (int)Math.Min(Block, n - start), out float blockSum, out float blockSquares);
            sum += blockSum;
            squares += blockSquares;
        }

        return (sum, squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Part<TTerm>(float* a, float* b, int n)
        where TTerm : ITerm<V>
    {
        V x = V.LoadPartial(a, n);
        return V.Sum(TTerm.Add(V.Zero, x, TTerm.IsPair ? V.LoadPartial(b, n) : x));
    }

    private static double Sum<TTerm>(float* a, float* b, long n)
        where TTerm : ITerm<V>
    {
        // A row narrower than a vector costs little more than the calls around it.
        if (n < V.Count)
            return Part<TTerm>(a, b, (int)n);
        double sum = 0;
        for (long start = 0; start < n; start += Block)
            sum += BlockSum<TTerm>(a + start, b + start, (int)Math.Min(Block, n - start));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float BlockSum<TTerm>(float* a, float* b, int n)
        where TTerm : ITerm<V>
    {
        V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, s3 = V.Zero;
        int i = 0;
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            s0 = Add<TTerm>(s0, a + i, b + i);
            s1 = Add<TTerm>(s1, a + i + V.Count, b + i + V.Count);
            s2 = Add<TTerm>(s2, a + i + (2 * V.Count), b + i + (2 * V.Count));
            s3 = Add<TTerm>(s3, a + i + (3 * V.Count), b + i + (3 * V.Count));
        }

        for (; i <= n - V.Count; i += V.Count)
            s0 = Add<TTerm>(s0, a + i, b + i);
        if (i < n)
        {
            V last = V.LoadPartial(a + i, n - i);
            s1 = TTerm.Add(s1, last, TTerm.IsPair ? V.LoadPartial(b + i, n - i) : last);
        }

        return V.Sum((s0 + s1) + (s2 + s3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Add<TTerm>(V sum, float* a, float* b)
        where TTerm : ITerm<V>
    {
        V first = V.Load(a);
        return TTerm.Add(sum, first, TTerm.IsPair ? V.Load(b) : first);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CentredBlock(float* x, float centre, int n, out float sum, out float squares)
    {
        V middle = V.Create(centre);
        V s0 = V.Zero, s1 = V.Zero, q0 = V.Zero, q1 = V.Zero, q2 = V.Zero, q3 = V.Zero;
        int i = 0;
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            V d0 = V.Load(x + i) - middle;
            V d1 = V.Load(x + i + V.Count) - middle;
            V d2 = V.Load(x + i + (2 * V.Count)) - middle;
            V d3 = V.Load(x + i + (3 * V.Count)) - middle;
            s0 = s0 + (d0 + d1);
            s1 = s1 + (d2 + d3);
            q0 = V.MultiplyAdd(d0, d0, q0);
            q1 = V.MultiplyAdd(d1, d1, q1);
            q2 = V.MultiplyAdd(d2, d2, q2);
            q3 = V.MultiplyAdd(d3, d3, q3);
        }

        for (; i <= n - V.Count; i += V.Count)
        {
            V d = V.Load(x + i) - middle;
            s0 = s0 + d;
            q0 = V.MultiplyAdd(d, d, q0);
        }

        if (i < n)
        {
            V d = V.Select(Lanes<V>.First(n - i), V.LoadPartial(x + i, n - i) - middle, V.Zero);
            s1 = s1 + d;
            q1 = V.MultiplyAdd(d, d, q1);
        }

        sum = V.Sum(s0 + s1);
        squares = V.Sum((q0 + q1) + (q2 + q3));
    }
}
