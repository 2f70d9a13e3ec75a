// Functions of two operands, y = a op b with b repeated over a seen as [R, C], and y = alpha x + beta y. A thread takes four elements at a time where
// quads may be: operands are aligned and no quad crosses the end of a row. y may be a: an element is read before it is written, by one thread.
#include "math.cuh"
#include "position.cuh"

struct Binary {
    const float *a, *b;
    float* y;
    // Quads are all of a, or none; only a single row may leave a rest.
    i64 count, columns, quads;
    // Whether b holds one element for a row instead of one for a column.
    u32 by_row;
};

struct Axpby {
    const float* x;
    float* y;
    i64 count, quads;
    float alpha, beta;
};

struct Add {
    static __device__ __forceinline__ float apply(float a, float b) { return a + b; }
};
struct Subtract {
    static __device__ __forceinline__ float apply(float a, float b) { return a - b; }
};
struct Multiply {
    static __device__ __forceinline__ float apply(float a, float b) { return a * b; }
};
struct Divide {
    static __device__ __forceinline__ float apply(float a, float b) { return a / b; }
};
struct Maximum {
    static __device__ __forceinline__ float apply(float a, float b) { return max_or_nan(a, b); }
};
struct Minimum {
    static __device__ __forceinline__ float apply(float a, float b) { return min_or_nan(a, b); }
};
struct Equal {
    static __device__ __forceinline__ float apply(float a, float b) { return a == b ? 1.f : 0.f; }
};
struct Less {
    static __device__ __forceinline__ float apply(float a, float b) { return a < b ? 1.f : 0.f; }
};
struct Mask {
    static __device__ __forceinline__ float apply(float a, float b) { return b == 0.f ? 0.f : a; }
};

template <class Operator>
__device__ __forceinline__ float4 apply(float4 a, float4 b) {
    return {Operator::apply(a.x, b.x), Operator::apply(a.y, b.y), Operator::apply(a.z, b.z), Operator::apply(a.w, b.w)};
}

template <class Operator>
__device__ __forceinline__ void zip_quads(const Binary& z) {
    Position at(z.columns / 4);
    for (i64 i = walk_start(); i < z.quads; i += walk_step(), at.advance()) {
        float4 b;
        if (z.by_row) {
            float value = z.b[at.row];
            b = {value, value, value, value};
        } else {
            b = ((const float4*)z.b)[at.column];
        }
        ((float4*)z.y)[i] = apply<Operator>(((const float4*)z.a)[i], b);
    }
    for (i64 i = z.quads * 4 + walk_start(); i < z.count; i += walk_step())
        z.y[i] = Operator::apply(z.a[i], z.b[z.by_row ? 0 : i]);
}

template <class Operator>
__device__ __forceinline__ void zip(const Binary& z) {
    if (z.quads > 0)
        return zip_quads<Operator>(z);
    Position at(z.columns);
    for (i64 i = walk_start(); i < z.count; i += walk_step(), at.advance())
        z.y[i] = Operator::apply(z.a[i], z.b[z.by_row ? at.row : at.column]);
}

KERNEL binary_add(const Binary a) { zip<Add>(a); }
KERNEL binary_subtract(const Binary a) { zip<Subtract>(a); }
KERNEL binary_multiply(const Binary a) { zip<Multiply>(a); }
KERNEL binary_divide(const Binary a) { zip<Divide>(a); }
KERNEL binary_maximum(const Binary a) { zip<Maximum>(a); }
KERNEL binary_minimum(const Binary a) { zip<Minimum>(a); }
KERNEL binary_equal(const Binary a) { zip<Equal>(a); }
KERNEL binary_less(const Binary a) { zip<Less>(a); }
KERNEL binary_mask(const Binary a) { zip<Mask>(a); }

__device__ __forceinline__ float axpby_of(const Axpby& a, float x, float y) { return fma(a.alpha, x, multiply(a.beta, y)); }

KERNEL axpby(const Axpby a) {
    for (i64 i = walk_start(); i < a.quads; i += walk_step()) {
        float4 x = ((const float4*)a.x)[i], y = ((const float4*)a.y)[i];
        ((float4*)a.y)[i] = {axpby_of(a, x.x, y.x), axpby_of(a, x.y, y.y), axpby_of(a, x.z, y.z), axpby_of(a, x.w, y.w)};
    }
    for (i64 i = a.quads * 4 + walk_start(); i < a.count; i += walk_step())
        a.y[i] = axpby_of(a, a.x[i], a.y[i]);
}
