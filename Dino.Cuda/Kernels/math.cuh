// Functions that CUDA has in a library which nobody needs to have here. Ranges, polynomials and accuracies are those of VectorMath in
// Dino.Tensors, so that both devices agree to a few ulp; only exp takes another path to the same result. Subnormal numbers count as zero.
#pragma once
#include "cuda.cuh"

// The larger and the smaller; NaN if either is. max and min of cuda.cuh answer the other number. Assembly, because the compiler writes the modifiers
// in an order that the PTX manual does not have.
__device__ __forceinline__ float max_or_nan(float a, float b) {
    float y;
    asm("max.ftz.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
}
__device__ __forceinline__ float min_or_nan(float a, float b) {
    float y;
    asm("min.ftz.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
}

__device__ __forceinline__ float abs(float x) { return __builtin_fabsf(x); }
__device__ __forceinline__ float sqrt(float x) { return __nvvm_sqrt_rn_ftz_f(x); }
__device__ __forceinline__ double sqrt(double x) { return __nvvm_sqrt_rn_d(x); }
__device__ __forceinline__ float floor(float x) { return __builtin_floorf(x); }
// Nearest integer, ties to even.
__device__ __forceinline__ float round(float x) { return __builtin_rintf(x); }

// Products and sums that no compiler joins into one rounding: for results that equal those of the CPU bit for bit.
__device__ __forceinline__ float multiply(float a, float b) { return __nvvm_mul_rn_ftz_f(a, b); }
__device__ __forceinline__ double multiply(double a, double b) { return __nvvm_mul_rn_d(a, b); }
__device__ __forceinline__ float add(float a, float b) { return __nvvm_add_rn_ftz_f(a, b); }
__device__ __forceinline__ double add(double a, double b) { return __nvvm_add_rn_d(a, b); }

// a / b within 1 ulp, without the branch of the exact division; b is normal and at most 2^126.
__device__ __forceinline__ float quotient(float a, float b) {
    float r = __nvvm_rcp_approx_ftz_f(b), q = a * r;
    return fma(fma(-b, q, a), r, q);
}

// ln 2 in two parts (Cody and Waite 1980): the first has 9 significant bits, so that n · Ln2High is exact.
constexpr float Log2E = 1.44269504088896341f, Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f;

// A sum with 3 · 2^22 leaves an integer in the low bits.
constexpr float IntegerShift = 12582912.f;

// e^x; 1 ulp. Results below 2^-126 are 0, -inf gives 0, overflow +inf, NaN stays.
__device__ __forceinline__ float exp(float x) {
    constexpr float smallest = -87.3365402f, largest = 88.7228317f;
    float shifted = fma(x, Log2E, IntegerShift), n = shifted - IntegerShift;
    float r = fma(n, -Ln2Low, fma(n, -Ln2High, x));
    // e^r = 1 + r + r² q(r) on |r| ≤ ln(2)/2; minimax, relative error 4.4e-9.
    float q = fma(1.38144672e-3f, r, 8.36878084e-3f);
    q = fma(q, r, 0.0416683927f);
    q = fma(q, r, 0.166665196f);
    q = fma(q, r, 0.49999994f);
    q = fma(q, r, 1.f);
    q = fma(q, r, 1.f);
    // n joins the exponent, exactly; outside the limits, and for NaN, that makes no sense.
    float y = from_bits(bits(q) + (bits(shifted) << 23));
    y = x <= largest ? y : x + Infinity;
    return x < smallest ? 0.f : y;
}

// Natural logarithm; 1 ulp. 0 gives -inf, negative numbers give NaN, +inf and NaN stay.
__device__ __forceinline__ float log(float x) {
    constexpr u32 sqrtHalf = 0x3f3504f3u;
    // x = m 2^n with m in [√½, √2): the logarithm of the mantissa never cancels against a whole exponent.
    u32 exponent = (bits(x) - sqrtHalf) & 0xff800000u;
    float n = from_bits(bits(IntegerShift) + (u32)((i32)exponent >> 23)) - IntegerShift;
    float f = from_bits(bits(x) - exponent) - 1.f;
    // log(1 + f) = f - f²/2 + f³ p(f) on [√½ - 1, √2 - 1]; minimax, relative error 5.8e-9.
    float p = fma(-0.076344721f, f, 0.127623439f);
    p = fma(p, f, -0.131605461f);
    p = fma(p, f, 0.142016813f);
    p = fma(p, f, -0.166233152f);
    p = fma(p, f, 0.200012282f);
    p = fma(p, f, -0.250008225f);
    p = fma(p, f, 0.333333313f);
    float square = f * f;
    float low = fma(p * f, square, n * Ln2Low);
    low = fma(square, -0.5f, low);
    float y = fma(n, Ln2High, f + low);
    y = x > 0.f ? y : __builtin_nanf("");
    y = x == 0.f ? -Infinity : y;
    return x == Infinity ? Infinity : y;
}

// log(1 + t) for t in [0, 2^24]: what 1 + t rounds away is added back to first order.
__device__ __forceinline__ float log_one_plus(float t) {
    float u = 1.f + t;
    return log(u) + quotient(t - (u - 1.f), u);
}

// The error function; 6.8 ulp, 4.1e-7 absolute, near |x| = 3.8. Exactly ±1 from |x| = 3.95 on; NaN stays.
// x P(x²) / Q(x²) with the coefficients of Eigen's generic_fast_erf_float, also used by XLA.
__device__ __forceinline__ float erf(float x) {
    x = min_or_nan(3.95f, max_or_nan(-3.95f, x));
    float u = x * x;
    float p = fma(0.00022905065861350646f, u, 0.0034082910107109506f);
    p = fma(p, u, 0.050955695062380861f);
    p = fma(p, u, 0.18520832239976145f);
    p = fma(p, u, 1.128379143519084f);
    float q = fma(-1.1791602954361697e-7f, u, 0.000023547966471313185f);
    q = fma(q, u, 0.0010179625278914885f);
    q = fma(q, u, 0.014070470171167667f);
    q = fma(q, u, 0.11098505178285362f);
    q = fma(q, u, 0.49746925110067538f);
    q = fma(q, u, 1.f);
    return min_or_nan(1.f, max_or_nan(-1.f, quotient(x * p, q)));
}

// Hyperbolic tangent; 6 ulp, within ±1; NaN stays. Coefficients of Eigen's generic_fast_tanh_float, scaled to Q(0) = 1.
__device__ __forceinline__ float tanh(float x) {
    x = min_or_nan(7.90531110763549805f, max_or_nan(-7.90531110763549805f, x));
    float u = x * x;
    float p = fma(-5.64167624e-14f, u, 4.08741721e-11f);
    p = fma(p, u, -1.75837892e-08f);
    p = fma(p, u, 1.04674992e-05f);
    p = fma(p, u, 0.00303609832f);
    p = fma(p, u, 0.130225534f);
    p = fma(p, u, 0.999999872f);
    float q = fma(0.000244866093f, u, 0.024222764f);
    q = fma(q, u, 0.463558385f);
    q = fma(q, u, 1.f);
    return min_or_nan(1.f, max_or_nan(-1.f, quotient(x * p, q)));
}

// 1 / (1 + e^-x); 3 ulp above x = -87.
__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + exp(-x)); }

// x/2 (1 + erf(x / √2)), the exact form. NaN for -inf, as in torch.
__device__ __forceinline__ float gelu(float x) {
    float half = x * 0.5f;
    return fma(half, erf(x * 0.707106781186547524f), half);
}

// Φ(x) + x φ(x), the derivative of gelu.
__device__ __forceinline__ float gelu_derivative(float x) {
    float cumulative = fma(0.5f, erf(x * 0.707106781186547524f), 0.5f);
    float density = exp(x * x * -0.5f) * 0.398942280401432678f;
    return fma(x, density, cumulative);
}
