// Rows of logits of the DINO cross-entropy, a tile of columns in the registers of a block.
#pragma once
#include "cuda.cuh"

// In place of a logit beyond the end of a row: its exponential is 0, but it stays finite, so that its product with a target or a sum of 0 is 0.
constexpr float Missing = -1e30f;

// 2^x, ftz, relative error 2^-22. Exponents of the loss come with the factor log2 e in their rate: rounding them costs more than this.
__device__ __forceinline__ float exp2_fast(float x) { return __nvvm_ex2_approx_ftz_f(x); }

// Operands of all kernels. Rates are log2(e) / temperature.
struct Logits {
    const float *student, *teacher, *centre;
    i32 students, teachers, batch, columns;
    float studentRate, teacherRate;
};

// Whether the columns of a tile can be loaded by fours, none of them beyond the end, in all rows.
__device__ __forceinline__ bool is_whole(const Logits& l, int tile, int length, u64 destination = 0) {
    u64 addresses = (u64)l.student | (u64)l.teacher | (u64)l.centre | destination;
    return addresses % sizeof(float4) == 0 && l.columns % 4 == 0 && length <= l.columns - tile;
}

// A thread's N float4s of a tile; where the tile is not whole, its elements are far apart. Column of the first element of float4 j, or of element i.
__device__ __forceinline__ int column_of_four(int tile, int j) { return tile + 4 * (int)(thread_x() + block_threads() * j); }
__device__ __forceinline__ int column_of_one(int tile, int i) { return tile + (int)(thread_x() + block_threads() * i); }

template <bool Whole, int N>
__device__ __forceinline__ void load(const float* row, int tile, int columns, float missing, float (&x)[4 * N]) {
    if constexpr (Whole) {
#pragma unroll
        for (int j = 0; j < N; j++) {
            float4 v = *(const float4*)(row + column_of_four(tile, j));
            x[4 * j] = v.x, x[4 * j + 1] = v.y, x[4 * j + 2] = v.z, x[4 * j + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < 4 * N; i++) {
            int k = column_of_one(tile, i);
            x[i] = k < columns ? row[k] : missing;
        }
    }
}

template <bool Whole, int N>
__device__ __forceinline__ void store(float* row, int tile, int columns, const float (&x)[4 * N]) {
    if constexpr (Whole) {
#pragma unroll
        for (int j = 0; j < N; j++)
            *(float4*)(row + column_of_four(tile, j)) = float4{x[4 * j], x[4 * j + 1], x[4 * j + 2], x[4 * j + 3]};
    } else {
#pragma unroll
        for (int i = 0; i < 4 * N; i++) {
            int k = column_of_one(tile, i);
            if (k < columns)
                row[k] = x[i];
        }
    }
}

// Largest element and sum, in four chains.
template <int N>
__device__ __forceinline__ float largest(const float (&x)[N]) {
    float m[4] = {x[0], x[1], x[2], x[3]};
#pragma unroll
    for (int i = 4; i < N; i++)
        m[i % 4] = max(m[i % 4], x[i]);
    return max(max(m[0], m[1]), max(m[2], m[3]));
}

template <int N>
__device__ __forceinline__ float sum(const float (&x)[N]) {
    float s[4] = {x[0], x[1], x[2], x[3]};
#pragma unroll
    for (int i = 4; i < N; i++)
        s[i % 4] += x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

// Teacher logits less the centre.
template <bool Whole, int N>
__device__ __forceinline__ void load_centred(const Logits& l, i64 row, int tile, float (&z)[4 * N]) {
    float c[4 * N];
    load<Whole, N>(l.teacher + row * l.columns, tile, l.columns, Missing, z);
    load<Whole, N>(l.centre, tile, l.columns, 0.f, c);
#pragma unroll
    for (int i = 0; i < 4 * N; i++)
        z[i] -= c[i];
}

// y = Σ of the targets of a sample, but of teacher view excluded. teacherSums is [2, T·B].
template <bool Whole, int N>
__device__ __forceinline__ void sum_targets(const Logits& l, const float* teacherSums, int sample, int excluded, int tile, float (&y)[4 * N]) {
#pragma unroll
    for (int i = 0; i < 4 * N; i++)
        y[i] = 0.f;
    for (int t = 0; t < l.teachers; t++) {
        if (t == excluded)
            continue;
        i64 row = (i64)t * l.batch + sample;
        float z[4 * N], shift = teacherSums[row], inverse = 1.f / teacherSums[(i64)l.teachers * l.batch + row];
        load_centred<Whole, N>(l, row, tile, z);
#pragma unroll
        for (int i = 0; i < 4 * N; i++)
            y[i] = fma(exp2_fast((z[i] - shift) * l.teacherRate), inverse, y[i]);
    }
}
