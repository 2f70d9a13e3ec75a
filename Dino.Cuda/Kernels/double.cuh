// Functions in double precision, where float results must not hang on the last bits of a logarithm or an angle. Below 1 ulp of a double: the
// algorithms and coefficients are those of fdlibm (Sun Microsystems 1993).
#pragma once
#include "math.cuh"

__device__ __forceinline__ u64 bits(double x) { return __builtin_bit_cast(u64, x); }
__device__ __forceinline__ double from_bits(u64 x) { return __builtin_bit_cast(double, x); }
__device__ __forceinline__ double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

// Natural logarithm of a normal number above 0.
__device__ __forceinline__ double log(double x) {
    constexpr double ln2High = 6.93147180369123816490e-01, ln2Low = 1.90821492927058770002e-10;
    constexpr u64 sqrtHalf = 0x3fe6a09e667f3bcdull;
    // x = (1 + f) 2^n with 1 + f in [√½, √2).
    u64 exponent = (bits(x) - sqrtHalf) & 0xfff0000000000000ull;
    double n = (double)((i32)(exponent >> 32) >> 20);
    double f = from_bits(bits(x) - exponent) - 1.0;
    // log(1 + f) = f - f²/2 + s (f²/2 + R) with s = f / (2 + f), R a polynomial in s².
    double s = f / (2.0 + f), z = s * s;
    double r = fma(1.479819860511658591e-01, z, 1.531383769920937332e-01);
    r = fma(r, z, 1.818357216161805012e-01);
    r = fma(r, z, 2.222219843214978396e-01);
    r = fma(r, z, 2.857142874366239149e-01);
    r = fma(r, z, 3.999999999940941908e-01);
    r = fma(r, z, 6.666666666666735130e-01) * z;
    double half = 0.5 * f * f;
    return fma(n, ln2High, -((half - fma(s, half + r, n * ln2Low)) - f));
}

// e^x for |x| below 700, relative error 1e-11: enough where the result becomes a float.
__device__ __forceinline__ double exp_short(double x) {
    constexpr double log2E = 1.44269504088896340736, ln2High = 6.93147180369123816490e-01, ln2Low = 1.90821492927058770002e-10;
    i32 n = __nvvm_d2i_rn(x * log2E);
    double r = fma(-(double)n, ln2Low, fma(-(double)n, ln2High, x));
    // Taylor on |r| ≤ ln(2)/2; the first term left out is r^10 / 10!.
    double q = fma(1.0 / 362880, r, 1.0 / 40320);
    q = fma(q, r, 1.0 / 5040);
    q = fma(q, r, 1.0 / 720);
    q = fma(q, r, 1.0 / 120);
    q = fma(q, r, 1.0 / 24);
    q = fma(q, r, 1.0 / 6);
    q = fma(q, r, 0.5);
    q = fma(q, r, 1.0);
    q = fma(q, r, 1.0);
    return from_bits(bits(q) + ((u64)(i64)n << 52));
}

// x^y, rounded once; the special cases are those of C99.
__device__ __forceinline__ float power(float x, float y) {
    float magnitude = abs(x);
    if (x == 1.f || y == 0.f)
        return 1.f;
    if (x != x || y != y)
        return x + y;
    float y2 = y * 0.5f;
    bool isInteger = floor(y) == y, isOdd = isInteger && abs(y) < 16777216.f && floor(y2) != y2;
    float result;
    if (magnitude == 0.f || magnitude == Infinity || abs(y) == Infinity) {
        bool grows = magnitude > 1.f == y > 0.f;
        result = magnitude == 1.f ? 1.f : grows ? Infinity : 0.f;
    } else {
        // Beyond ±200 every result is 0 or +inf.
        double t = (double)y * log((double)magnitude);
        t = t > 200.0 ? 200.0 : t < -200.0 ? -200.0 : t;
        result = (float)exp_short(t);
        if (x < 0.f && !isInteger)
            return __builtin_nanf("");
    }
    return isOdd ? __builtin_copysignf(result, x) : result;
}

struct SineCosine { double sine, cosine; };

// Sine and cosine of x in [0, 2π].
__device__ __forceinline__ SineCosine sine_cosine(double x) {
    constexpr double twoOverPi = 6.36619772367581382433e-01, halfPi = 1.57079632679489655800e+00, halfPiLow = 6.12323399573676603587e-17;
    i32 quadrant = __nvvm_d2i_rn(x * twoOverPi);
    // The first difference is exact: it is a multiple of 2^-53 below 1. The rest that the second one rounds away is the tail.
    double k = (double)quadrant, r = fma(-k, halfPi, x);
    double y = fma(-k, halfPiLow, r), tail = fma(-k, halfPiLow, r - y);

    double z = y * y, cube = z * y;
    double p = fma(1.58969099521155010221e-10, z, -2.50507602534068634195e-08);
    p = fma(p, z, 2.75573137070700676789e-06);
    p = fma(p, z, -1.98412698298579493134e-04);
    p = fma(p, z, 8.33333333332248946124e-03);
    double sine = y - ((z * (0.5 * tail - cube * p) - tail) - cube * -1.66666666666666324348e-01);

    double q = fma(-1.13596475577881948265e-11, z, 2.08757232129817482790e-09);
    q = fma(q, z, -2.75573143513906633035e-07);
    q = fma(q, z, 2.48015872894767294178e-05);
    q = fma(q, z, -1.38888888888741095749e-03);
    q = fma(q, z, 4.16666666666666019037e-02) * z;
    double half = 0.5 * z, w = 1.0 - half;
    double cosine = w + (((1.0 - w) - half) + (z * q - y * tail));

    bool swaps = quadrant & 1;
    double first = swaps ? cosine : sine, second = swaps ? sine : cosine;
    return {quadrant & 2 ? -first : first, (quadrant + 1) & 2 ? -second : second};
}
