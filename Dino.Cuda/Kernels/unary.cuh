// Functions of one operand and their gradients: y = op(x) and dx (+)= op's pull of dy. A thread takes four elements at a time where all operands
// are aligned (quads of them), then the rest one by one. y may be x, dx may be dy: an element is read before it is written, by one thread.
#pragma once
#include "double.cuh"

struct Unary {
    const float* x;
    float* y;
    i64 count, quads;
    float a, b;
};

struct UnaryBackward {
    const float *x, *y, *dy;
    float* dx;
    i64 count, quads;
    float a, b;
    u32 accumulate;
};

__device__ __forceinline__ float sign_of(float x) { return x > 0.f ? 1.f : x < 0.f ? -1.f : 0.f; }

// What an operator's gradient reads.
enum Reads { Nothing, Input, Result };

struct Affine {
    static constexpr Reads reads = Nothing;
    static __device__ __forceinline__ float apply(float x, float a, float b) { return fma(x, a, b); }
    static __device__ __forceinline__ float pull(float dy, float, float, float a, float) { return dy * a; }
};

// a x, keeping the sign of zero that a sum with b = 0 would lose.
struct Scale : Affine {
    static __device__ __forceinline__ float apply(float x, float a, float) { return x * a; }
};

struct Abs {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return abs(x); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return dy * sign_of(x); }
};

struct Exp {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return exp(x); }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return dy * y; }
};

struct Log {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return log(x); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return dy / x; }
};

struct Sqrt {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return sqrt(x); }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return dy * 0.5f / y; }
};

struct Rsqrt {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return 1.f / sqrt(x); }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return dy * -0.5f * y * y * y; }
};

struct Reciprocal {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return 1.f / x; }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return -dy * y * y; }
};

struct Square {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return x * x; }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return dy * (x + x); }
};

struct Cube {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return x * x * x; }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return dy * (3.f * x * x); }
};

struct Power {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float a, float) { return power(x, a); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float a, float) { return dy * (a * power(x, a - 1.f)); }
};

struct Tanh {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return tanh(x); }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return dy * add(1.f, -multiply(y, y)); }
};

struct Sigmoid {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return sigmoid(x); }
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return dy * (y * (1.f - y)); }
};

struct Silu {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return x / (1.f + exp(-x)); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) {
        float s = sigmoid(x);
        return dy * (s * fma(x, 1.f - s, 1.f));
    }
};

struct Softplus {
    static constexpr Reads reads = Input;
    static constexpr float threshold = 20.f;
    static __device__ __forceinline__ float apply(float x, float, float) {
        // max(x, 0) + log(1 + e^-|x|): the exponential never overflows.
        return x > threshold ? x : max_or_nan(0.f, x) + log_one_plus(exp(-abs(x)));
    }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return x > threshold ? dy : dy * sigmoid(x); }
};

struct Relu {
    static constexpr Reads reads = Result;
    static __device__ __forceinline__ float apply(float x, float, float) { return max_or_nan(0.f, x); }
    // y is never negative, so zero is the whole flat side; a NaN lets the gradient through, as in torch.
    static __device__ __forceinline__ float pull(float dy, float, float y, float, float) { return y == 0.f ? 0.f : dy; }
};

struct Erf {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return erf(x); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) {
        constexpr float twoOverSqrtPi = 1.12837916709551257f;
        return dy * (exp(-x * x) * twoOverSqrtPi);
    }
};

struct Gelu {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float, float) { return gelu(x); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) { return dy * gelu_derivative(x); }
};

// x/2 (1 + tanh u) = x sigmoid(2u) with u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016).
struct GeluTanh {
    static constexpr Reads reads = Input;
    static constexpr float twoSqrtTwoOverPi = 1.59576912160573071f, cubic = 0.044715f;
    static __device__ __forceinline__ float gate(float x, float square) { return sigmoid(x * twoSqrtTwoOverPi * fma(cubic, square, 1.f)); }
    static __device__ __forceinline__ float apply(float x, float, float) { return x * gate(x, x * x); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float, float) {
        float square = x * x, s = gate(x, square), slope = twoSqrtTwoOverPi * fma(3.f * cubic, square, 1.f);
        return dy * fma(x * slope, s * (1.f - s), s);
    }
};

struct Clamp {
    static constexpr Reads reads = Input;
    static __device__ __forceinline__ float apply(float x, float a, float b) { return min_or_nan(b, max_or_nan(a, x)); }
    static __device__ __forceinline__ float pull(float dy, float x, float, float a, float b) { return a <= x && x <= b ? dy : 0.f; }
};

struct Sign {
    static __device__ __forceinline__ float apply(float x, float, float) { return sign_of(x); }
};

struct Round {
    static __device__ __forceinline__ float apply(float x, float, float) { return round(x); }
};

struct Floor {
    static __device__ __forceinline__ float apply(float x, float, float) { return floor(x); }
};

struct IsNaN {
    static __device__ __forceinline__ float apply(float x, float, float) { return x == x ? 0.f : 1.f; }
};

template <class Operator>
__device__ __forceinline__ void map(const Unary& u) {
    for (i64 i = walk_start(); i < u.quads; i += walk_step()) {
        float4 x = ((const float4*)u.x)[i];
        ((float4*)u.y)[i] = {Operator::apply(x.x, u.a, u.b), Operator::apply(x.y, u.a, u.b), Operator::apply(x.z, u.a, u.b), Operator::apply(x.w, u.a, u.b)};
    }
    for (i64 i = u.quads * 4 + walk_start(); i < u.count; i += walk_step())
        u.y[i] = Operator::apply(u.x[i], u.a, u.b);
}

// The sum is rounded after the pull, so that adding to zero gives what overwriting gives.
template <class Operator>
__device__ __forceinline__ float pull(const UnaryBackward& u, float x, float y, float dy, float dx) {
    float pulled = Operator::pull(dy, x, y, u.a, u.b);
    return u.accumulate ? add(dx, pulled) : pulled;
}

template <class Operator>
__device__ __forceinline__ void pull(const UnaryBackward& u) {
    for (i64 i = walk_start(); i < u.quads; i += walk_step()) {
        float4 x = {}, y = {}, dx = {}, dy = ((const float4*)u.dy)[i];
        if (Operator::reads == Input)
            x = ((const float4*)u.x)[i];
        if (Operator::reads == Result)
            y = ((const float4*)u.y)[i];
        if (u.accumulate)
            dx = ((const float4*)u.dx)[i];
        ((float4*)u.dx)[i] = {pull<Operator>(u, x.x, y.x, dy.x, dx.x), pull<Operator>(u, x.y, y.y, dy.y, dx.y), pull<Operator>(u, x.z, y.z, dy.z, dx.z), pull<Operator>(u, x.w, y.w, dy.w, dx.w)};
    }
    for (i64 i = u.quads * 4 + walk_start(); i < u.count; i += walk_step()) {
        float x = Operator::reads == Input ? u.x[i] : 0.f, y = Operator::reads == Result ? u.y[i] : 0.f;
        u.dx[i] = pull<Operator>(u, x, y, u.dy[i], u.accumulate ? u.dx[i] : 0.f);
    }
}
