// Attention on tensor cores: see attention.cuh. A warp has 16 rows, a thread the two rows g = lane / 4 and g + 8 of them, and of every 8 columns or depths the
// two from 2 (lane % 4) on. Queries, keys, values and weights are rounded, scores and sums are not.
#pragma once
#include "attention.cuh"
#include "mma.cuh"

template <class Format, int D, int R, int C>
struct Tensor {
    static constexpr int Depth = D, Rows = R, Columns = C, RowSlots = 2, ColumnSlots = C / 4, DepthSlots = D / 4, Group = 4;
    // 16 bytes more: the rows of a matrix then fall on banks of their own, and so do the words of tf32 that are read one by one.
    static constexpr int RowBytes = D * Format::Bytes + 16;

    template <int N>
    struct alignas(16) Tile {
        u32 x[N * RowBytes / 4];

        __device__ __forceinline__ void put(int row, int quad, float4 v) { Format::put((char*)x + row * RowBytes + 4 * quad * Format::Bytes, v.x, v.y, v.z, v.w); }

        __device__ __forceinline__ void put(int row, int octet, FourWords v) {
            static_assert(Format::Bytes == 2);
            *(FourWords*)((char*)x + row * RowBytes + 16 * octet) = v;
        }
    };

    struct Exchange {};

    int row_offset = 16 * (int)warp() + (int)lane() / 4, pair = 2 * (int)(lane() % 4);
    // The row that a lane names of matrices that lie below each other first, or beside each other first.
    u32 below = (lane() % 16) * RowBytes + lane() / 16 * 16;
    u32 beside = (lane() % 8 + lane() / 16 * 8) * RowBytes + lane() / 8 % 2 * 16;

    __device__ __forceinline__ int row(int i) const { return row_offset + 8 * i; }
    __device__ __forceinline__ int column(int j) const { return 8 * (j / 2) + pair + j % 2; }
    static __device__ __forceinline__ float exponential(float x) { return __nvvm_ex2_approx_ftz_f(x * Log2E); }

    __device__ __forceinline__ void score(float (&s)[RowSlots][ColumnSlots], const Tile<R>& a, const Tile<C>& b) const {
#pragma unroll
        for (int i = 0; i < RowSlots; i++)
#pragma unroll
            for (int j = 0; j < ColumnSlots; j++)
                s[i][j] = 0.f;
        u32 from_a = shared_address(a.x) + 16 * warp() * RowBytes + below, from_b = shared_address(b.x) + beside;
#pragma unroll
        for (int step = 0; step < D * Format::Bytes / 32; step++) {
            u32 x[4];
            load_matrices(x, from_a + 32 * step);
#pragma unroll
            for (int j = 0; j < C / 16; j++) {
                u32 y[4];
                load_matrices(y, from_b + 16 * j * RowBytes + 32 * step);
                Format::multiply(s[0][4 * j], s[0][4 * j + 1], s[1][4 * j], s[1][4 * j + 1], x, y[0], y[1]);
                Format::multiply(s[0][4 * j + 2], s[0][4 * j + 3], s[1][4 * j + 2], s[1][4 * j + 3], x, y[2], y[3]);
            }
        }
    }

    // Weights are multiplied from where they are: as brain floats they lie as the instruction wants them; as tf32 a thread's two columns, which follow each other,
    // stand for the first and second half of what it multiplies, and so do the rows of b.
    __device__ __forceinline__ void weigh(float (&sums)[RowSlots][DepthSlots], const float (&w)[RowSlots][ColumnSlots], const Tile<C>& b, Exchange&) const {
        if constexpr (Format::Bytes == 2) {
            u32 from = shared_address(b.x) + below;
#pragma unroll
            for (int c = 0; c < C / 16; c++) {
                u32 x[4] = {
                    to_bf16(w[0][4 * c], w[0][4 * c + 1]), to_bf16(w[1][4 * c], w[1][4 * c + 1]), to_bf16(w[0][4 * c + 2], w[0][4 * c + 3]),
                    to_bf16(w[1][4 * c + 2], w[1][4 * c + 3])};
#pragma unroll
                for (int d = 0; d < D / 16; d++) {
                    u32 y[4];
                    load_transposed(y, from + 16 * c * RowBytes + 32 * d);
                    Format::multiply(sums[0][4 * d], sums[0][4 * d + 1], sums[1][4 * d], sums[1][4 * d + 1], x, y[0], y[1]);
                    Format::multiply(sums[0][4 * d + 2], sums[0][4 * d + 3], sums[1][4 * d + 2], sums[1][4 * d + 3], x, y[2], y[3]);
                }
            }
        } else {
            const u32* from = b.x + pair * (RowBytes / 4) + lane() / 4;
#pragma unroll
            for (int c = 0; c < C / 8; c++) {
                u32 x[4] = {to_tf32(w[0][2 * c]), to_tf32(w[1][2 * c]), to_tf32(w[0][2 * c + 1]), to_tf32(w[1][2 * c + 1])};
#pragma unroll
                for (int d = 0; d < D / 8; d++) {
                    const u32* y = from + 8 * c * (RowBytes / 4) + 8 * d;
                    Format::multiply(sums[0][2 * d], sums[0][2 * d + 1], sums[1][2 * d], sums[1][2 * d + 1], x, y[0], y[RowBytes / 4]);
                }
            }
        }
    }

    __device__ __forceinline__ void store(const float (&sums)[DepthSlots], float* to, float factor, const Heads& heads, bool accumulate) const {
        using TwoFloats = float __attribute__((ext_vector_type(2)));
#pragma unroll
        for (int d = 0; d < DepthSlots; d += 2) {
            if (4 * d + pair >= heads.depth)
                continue;
            TwoFloats* at = (TwoFloats*)(to + 4 * d + pair);
            TwoFloats old = {0, 0};
            if (accumulate)
                old = *at;
            *at = TwoFloats{fma(factor, sums[d], old.x), fma(factor, sums[d + 1], old.y)};
        }
    }

    __device__ __forceinline__ void store(const float (&sums)[DepthSlots], u16* to, float factor, const Heads& heads, bool accumulate) const {
#pragma unroll
        for (int d = 0; d < DepthSlots; d += 2) {
            u16* at = to + 4 * d + pair;
            if (4 * d + pair >= heads.depth)
                continue;
            float x = factor * sums[d], y = factor * sums[d + 1];
            if (accumulate) {
                u32 old = *(const u32*)at;
                x += low_half(old);
                y += high_half(old);
            }
            *(u32*)at = to_bf16(x, y);
        }
    }
};
