// Attention in fp32, every multiplication and sum of it: see attention.cuh. Half a warp shares 8 rows; a thread has every sixteenth column of them, and 4
// of every 64 depths. Each score and each output is one chain of D or N multiply-adds.
#pragma once
#include "attention.cuh"

template <int D, int R, int C>
struct Exact {
    static constexpr int Depth = D, Rows = R, Columns = C, RowSlots = 8, ColumnSlots = C / 16, DepthSlots = D / 16, Group = 16;
    // 4 more: the same depths of 8 rows that follow each other fill all banks once.
    static constexpr int Stride = D + 4, ExchangeStride = C + 4;

    template <int N>
    struct alignas(16) Tile {
        float x[N * Stride];

        __device__ __forceinline__ void put(int row, int quad, float4 v) { store_quad(x + row * Stride + 4 * quad, v); }
    };

    struct alignas(16) Exchange {
        float x[R * ExchangeStride];
    };

    int group = (int)(thread_x() / 16), member = (int)(thread_x() % 16);

    __device__ __forceinline__ int row(int i) const { return 4 * group + i % 4 + i / 4 * (R / 2); }
    __device__ __forceinline__ int column(int j) const { return member + 16 * j; }
    static __device__ __forceinline__ float exponential(float x) { return exp(x); }

    __device__ __forceinline__ void score(float (&s)[RowSlots][ColumnSlots], const Tile<R>& a, const Tile<C>& b) const {
#pragma unroll
        for (int i = 0; i < RowSlots; i++)
#pragma unroll
            for (int j = 0; j < ColumnSlots; j++)
                s[i][j] = 0.f;
#pragma unroll 2
        for (int d = 0; d < D; d += 4) {
            float4 y[ColumnSlots];
#pragma unroll
            for (int j = 0; j < ColumnSlots; j++)
                y[j] = load_shared_quad(b.x + column(j) * Stride + d);
#pragma unroll
            for (int i = 0; i < RowSlots; i++) {
                float4 x = load_shared_quad(a.x + row(i) * Stride + d);
#pragma unroll
                for (int j = 0; j < ColumnSlots; j++)
                    s[i][j] = fma(x.w, y[j].w, fma(x.z, y[j].z, fma(x.y, y[j].y, fma(x.x, y[j].x, s[i][j]))));
            }
        }
    }

    __device__ __forceinline__ void weigh(float (&sums)[RowSlots][DepthSlots], const float (&w)[RowSlots][ColumnSlots], const Tile<C>& b, Exchange& exchange) const {
        warp_barrier();
#pragma unroll
        for (int i = 0; i < RowSlots; i++)
#pragma unroll
            for (int j = 0; j < ColumnSlots; j++)
                exchange.x[row(i) * ExchangeStride + column(j)] = w[i][j];
        warp_barrier();
#pragma unroll 1
        for (int c = 0; c < C; c += 4) {
            float4 x[RowSlots];
#pragma unroll
            for (int i = 0; i < RowSlots; i++)
                x[i] = load_shared_quad(exchange.x + row(i) * ExchangeStride + c);
#pragma unroll
            for (int q = 0; q < DepthSlots; q += 4) {
                const float* from = b.x + c * Stride + 16 * q + 4 * member;
                float4 y0 = load_shared_quad(from), y1 = load_shared_quad(from + Stride), y2 = load_shared_quad(from + 2 * Stride), y3 = load_shared_quad(from + 3 * Stride);
#pragma unroll
                for (int i = 0; i < RowSlots; i++) {
                    sums[i][q] = fma(x[i].w, y3.x, fma(x[i].z, y2.x, fma(x[i].y, y1.x, fma(x[i].x, y0.x, sums[i][q]))));
                    sums[i][q + 1] = fma(x[i].w, y3.y, fma(x[i].z, y2.y, fma(x[i].y, y1.y, fma(x[i].x, y0.y, sums[i][q + 1]))));
                    sums[i][q + 2] = fma(x[i].w, y3.z, fma(x[i].z, y2.z, fma(x[i].y, y1.z, fma(x[i].x, y0.z, sums[i][q + 2]))));
                    sums[i][q + 3] = fma(x[i].w, y3.w, fma(x[i].z, y2.w, fma(x[i].y, y1.w, fma(x[i].x, y0.w, sums[i][q + 3]))));
                }
            }
        }
    }

    __device__ __forceinline__ void store(const float (&sums)[DepthSlots], float* to, float factor, const Heads& heads, bool accumulate) const {
#pragma unroll
        for (int q = 0; q < DepthSlots; q += 4) {
            int depth = 16 * q + 4 * member;
            if (depth >= heads.depth)
                continue;
            float4 old = {0, 0, 0, 0};
            if (accumulate)
                old = load_quad(to + depth);
            store_quad(
                to + depth, fma(factor, sums[q], old.x), fma(factor, sums[q + 1], old.y), fma(factor, sums[q + 2], old.z), fma(factor, sums[q + 3], old.w));
        }
    }
};
