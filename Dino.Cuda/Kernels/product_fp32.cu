// Products in fp32, every multiplication and sum of it: see product.cuh. A slice lies in shared memory across k, [16, T], and a thread has one or two
// quads of rows and of columns. Line k of a slice is permuted in steps of 8 by k / 4, so that neither bringing it there nor reading it waits for a bank.
#include "product.cuh"

template <int T>
struct Exact {
    static constexpr int RowQuads = T == 32 ? 1 : 2, ColumnQuads = T == 128 ? 2 : 1;
    static constexpr int RowsApart = T / RowQuads, ColumnsApart = T / ColumnQuads;

    struct alignas(16) Shared {
        float x[Step * T];
    };

    float sum[RowQuads][ColumnQuads][4][4];
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
                        sum[q][r][i][j] = 0.f;
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
                            sum[q][r][i][j] = fma(x[q][i], y[r][j], sum[q][r][i][j]);
        }
    }

    static __device__ __forceinline__ void read(float (&x)[4], const float* from) {
        float4 v = load_shared_quad(from);
        x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
    }
};

template <int T>
__device__ __forceinline__ void product(const Product& p) {
    using Machine = Exact<T>;
    __shared__ typename Machine::Shared shared[2][2];
    Place place = locate<T>(p);
    Machine machine;
    machine.open();
    multiply<T, float, float>(p, place, shared, machine);
    float* rows = shared[0][0].x;
#pragma unroll
    for (int q = 0; q < Machine::RowQuads; q++) {
        if (q > 0)
            barrier();
#pragma unroll
        for (int r = 0; r < Machine::ColumnQuads; r++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float* to = rows + (machine.row + i) * T + machine.column + r * Machine::ColumnsApart;
                store_quad(to, machine.sum[q][r][i][0], machine.sum[q][r][i][1], machine.sum[q][r][i][2], machine.sum[q][r][i][3]);
            }
        barrier();
        finish_rows<T, Machine::RowsApart, T, false>(p, place, q * Machine::RowsApart, rows);
    }
}

KERNEL __launch_bounds__(256) product_fp32_128(const Product p) { product<128>(p); }
KERNEL __launch_bounds__(128) product_fp32_64(const Product p) { product<64>(p); }
KERNEL __launch_bounds__(64) product_fp32_32(const Product p) { product<32>(p); }
