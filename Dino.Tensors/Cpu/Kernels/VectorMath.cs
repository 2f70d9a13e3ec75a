using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Transcendental functions of all lanes, branch-free. The result does not depend on the width, so a masked tail gives the same bits
/// as the body wherever multiply-add is fused.
/// </summary>
/// <remarks>
/// The accuracies are over all finite floats and hold with and without a fused multiply-add; <c>VectorMathTests</c> sweeps them.
/// Polynomials marked "minimax" come from a Remez exchange in double precision, their coefficients then rounded to F32.
/// </remarks>
internal static class VectorMath<V> where V : struct, IVec<V>
{
    private const float Log2E = 1.44269504088896341f;

    // ln 2 in two parts (Cody and Waite 1980): the first has 9 significant bits, so that n · Ln2High is exact for |n| < 2^15.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>e^x; 1 ulp (2 without a fused multiply-add). Subnormal results are rounded once; -inf gives 0, overflow gives +inf, NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp(V x)
    {
        // Beyond these limits every result is 0 or +inf, and 2^n stays within what Scale takes.
        x = V.Min(V.Create(89f), V.Max(V.Create(-105f), x));
        V n = V.Round(x * V.Create(Log2E));
        V r = V.MultiplyAdd(n, V.Create(-Ln2High), x);
        r = V.MultiplyAdd(n, V.Create(-Ln2Low), r);

        // e^r = 1 + r + r² q(r) on |r| ≤ ln(2)/2; minimax, relative error 4.4e-9.
        V q = V.MultiplyAdd(V.Create(1.38144672e-3f), r, V.Create(8.36878084e-3f));
        q = V.MultiplyAdd(q, r, V.Create(0.0416683927f));
        q = V.MultiplyAdd(q, r, V.Create(0.166665196f));
        q = V.MultiplyAdd(q, r, V.Create(0.49999994f));
        q = V.MultiplyAdd(q, r, V.Create(1f));
        q = V.MultiplyAdd(q, r, V.Create(1f));
        return V.Scale(q, n);
    }

    /// <summary>Natural logarithm; 1 ulp, subnormals included. 0 gives -inf, negative numbers give NaN, +inf and NaN stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log(V x)
    {
        const float SmallestNormal = 1.17549435e-38f;
        const float Two24 = 1 << 24;

        V isSmall = V.LessThan(x, V.Create(SmallestNormal));
        V m = V.Mantissa(V.Select(isSmall, x * V.Create(Two24), x), out V exponent);
        exponent = exponent - V.Select(isSmall, V.Create(24f), V.Zero);

        // m in [1, 2) to [√½, √2): the logarithm of the mantissa then never cancels against a whole exponent.
        V isHigh = V.LessThan(V.Create(1.41421356f), m);
        m = V.Select(isHigh, m * V.Create(0.5f), m);
        exponent = exponent + V.Select(isHigh, V.Create(1f), V.Zero);
        V f = m - V.Create(1f);

        // log(1 + f) = f - f²/2 + f³ p(f) on [√½ - 1, √2 - 1]; minimax, relative error 5.8e-9.
        V p = V.MultiplyAdd(V.Create(-0.076344721f), f, V.Create(0.127623439f));
        p = V.MultiplyAdd(p, f, V.Create(-0.131605461f));
        p = V.MultiplyAdd(p, f, V.Create(0.142016813f));
        p = V.MultiplyAdd(p, f, V.Create(-0.166233152f));
        p = V.MultiplyAdd(p, f, V.Create(0.200012282f));
        p = V.MultiplyAdd(p, f, V.Create(-0.250008225f));
        p = V.MultiplyAdd(p, f, V.Create(0.333333313f));
        V square = f * f;
        V low = V.MultiplyAdd(p * f, square, exponent * V.Create(Ln2Low));
        low = V.MultiplyAdd(square, V.Create(-0.5f), low);
        V y = V.MultiplyAdd(exponent, V.Create(Ln2High), f + low);

        V infinity = V.Create(float.PositiveInfinity);
        y = V.Select(V.LessThan(V.Zero, x), y, V.Create(float.NaN));
        y = V.Select(V.Equal(x, V.Zero), V.Create(float.NegativeInfinity), y);
        return V.Select(V.Equal(x, infinity), infinity, y);
    }

    /// <summary>The error function; 4.4 ulp up to |x| = 2, then 6.8 ulp and 4.0e-7 absolute (5.6; 7.1 ulp and 4.2e-7 without a fused multiply-add), the most at 3.8. Exactly ±1 from |x| = 3.95 on; NaN stays.</summary>
    /// <remarks>Rational approximation x P(x²) / Q(x²) with the coefficients of Eigen's generic_fast_erf_float, also used by XLA.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf(V x)
    {
        // At ±3.95 the quotient is above 1 even after rounding, so that the last limit makes it exactly ±1 from there on.
        x = V.Min(V.Create(3.95f), V.Max(V.Create(-3.95f), x));
        V u = x * x;
        V p = V.MultiplyAdd(V.Create(0.00022905065861350646f), u, V.Create(0.0034082910107109506f));
        p = V.MultiplyAdd(p, u, V.Create(0.050955695062380861f));
        p = V.MultiplyAdd(p, u, V.Create(0.18520832239976145f));
        p = V.MultiplyAdd(p, u, V.Create(1.128379143519084f));
        V q = V.MultiplyAdd(V.Create(-1.1791602954361697e-7f), u, V.Create(0.000023547966471313185f));
        q = V.MultiplyAdd(q, u, V.Create(0.0010179625278914885f));
        q = V.MultiplyAdd(q, u, V.Create(0.014070470171167667f));
        q = V.MultiplyAdd(q, u, V.Create(0.11098505178285362f));
        q = V.MultiplyAdd(q, u, V.Create(0.49746925110067538f));
        q = V.MultiplyAdd(q, u, V.Create(1f));
        return V.Min(V.Create(1f), V.Max(V.Create(-1f), x * p / q));
    }

    /// <summary>Hyperbolic tangent; 5 ulp (7 without a fused multiply-add), within ±1; NaN stays.</summary>
    /// <remarks>Rational approximation x P(x²) / Q(x²) with the coefficients of Eigen's generic_fast_tanh_float, scaled to Q(0) = 1.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh(V x)
    {
        x = V.Min(V.Create(7.90531110763549805f), V.Max(V.Create(-7.90531110763549805f), x));
        V u = x * x;
        V p = V.MultiplyAdd(V.Create(-5.64167624e-14f), u, V.Create(4.08741721e-11f));
        p = V.MultiplyAdd(p, u, V.Create(-1.75837892e-08f));
        p = V.MultiplyAdd(p, u, V.Create(1.04674992e-05f));
        p = V.MultiplyAdd(p, u, V.Create(0.00303609832f));
        p = V.MultiplyAdd(p, u, V.Create(0.130225534f));
        p = V.MultiplyAdd(p, u, V.Create(0.999999872f));
        V q = V.MultiplyAdd(V.Create(0.000244866093f), u, V.Create(0.024222764f));
        q = V.MultiplyAdd(q, u, V.Create(0.463558385f));
        q = V.MultiplyAdd(q, u, V.Create(1f));
        return V.Min(V.Create(1f), V.Max(V.Create(-1f), x * p / q));
    }

    /// <summary>1 / (1 + e^-x); 3 ulp above x = -88.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid(V x) => V.Create(1f) / (V.Create(1f) + Exp(-x));

    /// <summary>x/2 (1 + erf(x / √2)), the exact form. NaN for -inf, as in torch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Gelu(V x)
    {
        V half = x * V.Create(0.5f);
        return V.MultiplyAdd(half, Erf(x * V.Create(0.707106781186547524f)), half);
    }

    /// <summary>Φ(x) + x φ(x), the derivative of <see cref="Gelu"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V GeluDerivative(V x) => GeluDerivative(x, out _);

    /// <summary>The derivative, and the value, which shares most of the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V GeluDerivative(V x, out V value)
    {
        const float InverseSqrtTwoPi = 0.398942280401432678f;
        V half = V.Create(0.5f), scaled = x * half, erf = Erf(x * V.Create(0.707106781186547524f));
        value = V.MultiplyAdd(scaled, erf, scaled);
        V density = Exp(x * x * V.Create(-0.5f)) * V.Create(InverseSqrtTwoPi);
        return V.MultiplyAdd(x, density, V.MultiplyAdd(half, erf, half));
    }
}
