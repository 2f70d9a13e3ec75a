// Rows of logits of the DINO cross-entropy, a few columns in the registers of each thread.
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

__device__ __forceinline__ bool can_load_fours(const Logits& l, u64 destination = 0) {
    return ((u64)l.student | (u64)l.teacher | (u64)l.centre | destination) % sizeof(float4) == 0 && l.columns % 4 == 0;
}

// First column of the float4 number j of a thread, in a tile that begins at a column; without fours, the elements of a thread are far apart.
template <bool Fours>
__device__ __forceinline__ int column(int tile, int j, int e) {
    return Fours ? tile + 4 * ((int)thread_x() + (int)block_threads() * j) + e : tile + (int)thread_x() + (int)block_threads() * (4 * j + e);
}

template <bool Fours, int N>
__device__ __forceinline__ void load(const float* row, int tile, int columns, float missing, float (&x)[4 * N]) {
#pragma unroll
    for (int j = 0; j < N; j++) {
        if constexpr (Fours) {
            int k = column<true>(tile, j, 0);
            float4 v = k < columns ? *(const float4*)(row + k) : float4{missing, missing, missing, missing};
            x[4 * j] = v.x, x[4 * j + 1] = v.y, x[4 * j + 2] = v.z, x[4 * j + 3] = v.w;
        } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int k = column<false>(tile, j, e);
                x[4 * j + e] = k < columns ? row[k] : missing;
            }
        }
    }
}

template <bool Fours, int N>
__device__ __forceinline__ void store(float* row, int tile, int columns, const float (&x)[4 * N]) {
#pragma unroll
    for (int j = 0; j < N; j++) {
        if constexpr (Fours) {
            int k = column<true>(tile, j, 0);
            if (k < columns)
                *(float4*)(row + k) = float4{x[4 * j], x[4 * j + 1], x[4 * j + 2], x[4 * j + 3]};
        } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int k = column<false>(tile, j, e);
                if (k < columns)
                    row[k] = x[4 * j + e];
            }
        }
    }
}

template <int N>
__device__ __forceinline__ float largest(const float (&x)[N]) {
    float m = x[0];
#pragma unroll
    for (int i = 1; i < N; i++)
        m = max(m, x[i]);
    return m;
}

// Teacher logits less the centre.
template <bool Fours, int N>
__device__ __forceinline__ void load_centred(const Logits& l, i64 row, int tile, float (&z)[4 * N]) {
    float c[4 * N];
    load<Fours, N>(l.teacher + row * l.columns, tile, l.columns, Missing, z);
    load<Fours, N>(l.centre, tile, l.columns, 0.f, c);
#pragma unroll
    for (int i = 0; i < 4 * N; i++)
        z[i] -= c[i];
}

// y = Σ of the targets of a sample, but of teacher view excluded. teacherSums is [2, T·B].
template <bool Fours, int N>
__device__ __forceinline__ void sum_targets(const Logits& l, const float* teacherSums, int sample, int excluded, int tile, float (&y)[4 * N]) {
#pragma unroll
    for (int i = 0; i < 4 * N; i++)
        y[i] = 0.f;
    for (int t = 0; t < l.teachers; t++) {
        if (t == excluded)
            continue;
        i64 row = (i64)t * l.batch + sample;
        float z[4 * N], shift = teacherSums[row], inverse = 1.f / teacherSums[(i64)l.teachers * l.batch + row];
        load_centred<Fours, N>(l, row, tile, z);
#pragma unroll
        for (int i = 0; i < 4 * N; i++)
            y[i] = fma(exp2_fast((z[i] - shift) * l.teacherRate), inverse, y[i]);
    }
}
