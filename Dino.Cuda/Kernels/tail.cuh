// What follows a product: y = beta · residual + factor · activation(alpha · product + bias). A plain product has none of it but alpha and beta.
#pragma once
#include "math.cuh"
#include "quads.cuh"

enum Activation : u32 { Identity, Gelu, Relu };

struct Tail {
    void* y;
    void* pre_activation;   // Gets alpha · product + bias; null when nobody wants it.
    const float* bias;      // [n] or null.
    const void* residual;   // Null where beta is 0: nothing is read then. May be y.
    const float* factors;   // One for rows_per_factor rows, or null for 1.
    i64 stride;             // From one row to the next of y, pre_activation and residual.
    float alpha, beta;
    int n;                  // Columns.
    int rows_per_factor;
    Activation activation;
    u32 is_aligned;         // Every quad whose column is a multiple of 4 lies on 16 bytes (8 of brain floats).
    u32 inner;              // Which of y, pre_activation and residual hold brain floats: a sum of Inner.
};

enum Inner : u32 { InnerY = 1, InnerPreActivation = 2, InnerResidual = 4 };

// The tail of one quad of columns, row by row. What is stored as brain floats is rounded then, once. Without TakesInner, all memory is F32.
template <bool TakesInner>
struct QuadTail {
    int column, count;
    bool is_whole;
    float4 bias;

    __device__ __forceinline__ QuadTail(const Tail& a, int first) : column(first), count(a.n - first) {
        is_whole = a.is_aligned != 0 && count >= 4;
        bias = {0, 0, 0, 0};
        if (a.bias != nullptr)
            bias = load(a.bias, column, false);
    }

    // at: the quad's first element in y.
    __device__ __forceinline__ float4 residual(const Tail& a, i64 at) const {
        if (a.residual == nullptr)
            return {0, 0, 0, 0};
        return load(a.residual, at, (a.inner & InnerResidual) != 0);
    }

    __device__ __forceinline__ void finish(const Tail& a, i64 at, int row, float4 product, float4 residual) const {
        float4 v = {fma(a.alpha, product.x, bias.x), fma(a.alpha, product.y, bias.y), fma(a.alpha, product.z, bias.z), fma(a.alpha, product.w, bias.w)};
        if (a.pre_activation != nullptr)
            store(a.pre_activation, at, (a.inner & InnerPreActivation) != 0, v);
        v = {activate(a, v.x), activate(a, v.y), activate(a, v.z), activate(a, v.w)};
        float factor = a.factors != nullptr ? a.factors[row / a.rows_per_factor] : 1.f;
        store(a.y, at, (a.inner & InnerY) != 0, {
            fma(a.beta, residual.x, factor * v.x), fma(a.beta, residual.y, factor * v.y), fma(a.beta, residual.z, factor * v.z),
            fma(a.beta, residual.w, factor * v.w)});
    }

    static __device__ __forceinline__ float activate(const Tail& a, float x) {
        if (a.activation == Gelu)
            return gelu(x);
        return a.activation == Relu ? max_or_nan(x, 0.f) : x;
    }

    __device__ __forceinline__ float4 load(const void* from, i64 at, bool is_inner) const {
        return TakesInner && is_inner ? load((const u16*)from + at) : load((const float*)from + at);
    }

    __device__ __forceinline__ void store(void* to, i64 at, bool is_inner, float4 v) const {
        if (TakesInner && is_inner)
            store((u16*)to + at, v);
        else
            store((float*)to + at, v);
    }

    template <class Element>
    __device__ __forceinline__ float4 load(const Element* from) const {
        return is_whole ? load_quad(from) : load_part(from, count);
    }

    template <class Element>
    __device__ __forceinline__ void store(Element* to, float4 v) const {
        if (is_whole)
            store_quad(to, v);
        else
            store_part(to, v, count);
    }
};
