// Products without tensor cores, every multiplication and sum of them exact or rounded as fp32: see product.cuh. A slice lies in shared memory across k, [16, T], and a thread has one or two
// quads of rows and of columns. Line k of a slice is permuted in steps of 8 by k / 4, so that neither bringing it there nor reading it waits for a bank.
#pragma once
#include "product.cuh"

struct Floats {
    using Sum = float;

    static __device__ __forceinline__ float multiply_add(float x, float y, float sum) { return fma(x, y, sum); }
};

template <int T, class Arithmetic = Floats>
struct Exact {
    static constexpr int RowQuads = T == 32 ? 1 : 2, ColumnQuads = T == 128 ? 2 : 1;
    static constexpr int RowsApart = T / RowQuads, ColumnsApart = T / ColumnQuads;

    using Way = Widened;

    struct alignas(16) Shared {
        float x[Step * T];
    };

    typename Arithmetic::Sum sum[RowQuads][ColumnQuads][4][4];
    int row, column;

    __device__ __forceinline__ void open() {
        // 4×8 threads of a warp read 4 quads of a and 8 of b: two lines of banks.
        constexpr int WarpsDown = RowsApart / 16;
        row = 4 * (int)((warp() % WarpsDown) * 4 + lane() / 8);
        column = 4 * (int)((warp() / WarpsDown) * 8 + lane() % 8);
#pragma unroll
        for (int q = 0; q < RowQuads; q++)
#pragma unroll
            for (int r = 0; r < ColumnQuads; r++)
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        sum[q][r][i][j] = 0;
    }

    template <class>
    static __device__ __forceinline__ void store(Shared& slice, const float4 (&v)[4], bool is_along, int thread) {
        if (is_along) {
            int part = thread % 4, line = thread / 4;
            float* x = slice.x + 4 * part * T;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int at = (line + i * (T / 4)) ^ (8 * part);
                x[at] = v[i].x, x[at + T] = v[i].y, x[at + 2 * T] = v[i].z, x[at + 3 * T] = v[i].w;
            }
        } else {
            int part = thread / (T / 4), at = (4 * (thread % (T / 4))) ^ (8 * part);
#pragma unroll
            for (int i = 0; i < 4; i++)
                store_quad(slice.x + (4 * part + i) * T + at, v[i]);
        }
    }

    __device__ __forceinline__ void multiply(const Shared& a, const Shared& b) {
#pragma unroll
        for (int k = 0; k < Step; k++) {
            float x[RowQuads][4], y[ColumnQuads][4];
#pragma unroll
            for (int q = 0; q < RowQuads; q++)
                read(x[q], a.x + k * T + ((row + q * RowsApart) ^ (8 * (k / 4))));
#pragma unroll
            for (int r = 0; r < ColumnQuads; r++)
                read(y[r], b.x + k * T + ((column + r * ColumnsApart) ^ (8 * (k / 4))));
#pragma unroll
            for (int q = 0; q < RowQuads; q++)
#pragma unroll
                for (int r = 0; r < ColumnQuads; r++)
#pragma unroll
                    for (int i = 0; i < 4; i++)
#pragma unroll
                        for (int j = 0; j < 4; j++)
                            sum[q][r][i][j] = Arithmetic::multiply_add(x[q][i], y[r][j], sum[q][r][i][j]);
        }
    }

    static __device__ __forceinline__ void read(float (&x)[4], const float* from) {
        float4 v = load_shared_quad(from);
        x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
    }
};

// TakesInner: the tail may have brain floats.
template <int T, class Element, class Arithmetic = Floats, class Values = PlainValues, bool TakesInner = false>
__device__ __forceinline__ void product(const Product& p, const Values& values = {}) {
    using Machine = Exact<T, Arithmetic>;
    __shared__ typename Machine::Shared shared[2][2];
    Place place = locate<T>(p);
    Machine machine;
    machine.open();
    multiply<T, float, Element>(p, place, shared, machine);
    float* rows = shared[0][0].x;
#pragma unroll
    for (int q = 0; q < Machine::RowQuads; q++) {
        if (q > 0)
            barrier();
#pragma unroll
        for (int r = 0; r < Machine::ColumnQuads; r++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                auto& sum = machine.sum[q][r][i];
                float* to = rows + (machine.row + i) * T + machine.column + r * Machine::ColumnsApart;
                store_quad(to, (float)sum[0], (float)sum[1], (float)sum[2], (float)sum[3]);
            }
        barrier();
        finish_rows<T, Machine::RowsApart, T, TakesInner>(p, place, q * Machine::RowsApart, rows, values);
    }
}
