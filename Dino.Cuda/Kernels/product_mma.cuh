// Products on tensor cores with fp32 sums: see product.cuh. Operands in F32 are rounded on their way to shared memory.
#pragma once
#include "mma.cuh"
#include "product.cuh"

// A slice lies in shared memory along k, [T, 16], in lines of 128 bytes: 2 rows of tf32 or 4 of bf16. The eight chunks of 16 bytes of a line are permuted so
// that neither the 8 rows that a matrix is loaded from, nor those that a thread's neighbours bring there from an operand stored across k, share banks.
template <int T, class Format>
struct Tensor {
    static constexpr bool AreHalves = Format::Bytes == 2;
    using Way = Choose<AreHalves, Stored, Widened>;
    static constexpr int RowBytes = Step * Format::Bytes, Parts = RowBytes / 32;
    static constexpr int RowsOfLine = 128 / RowBytes, ChunksOfRow = RowBytes / 16;
    // Two warps down, T / 32 across; each has a part [T / 2, 32] of the tile, in matrices [16, 8].
    static constexpr int Down = T / 32, Across = 4;

    struct alignas(128) Shared {
        u32 x[T * RowBytes / 4];
    };

    float sum[Down][Across][4];
    u32 offset_a[Down], offset_b[Across / 2];
    int row, column;

    // Bytes from the start of a slice to a chunk of a row.
    static __device__ __forceinline__ u32 place(int row, int chunk) {
        int line = row / RowsOfLine, at = (row % RowsOfLine) * ChunksOfRow + chunk;
        int permutation = RowsOfLine == 2 ? ((line >> 1) & 4) | (line & 2) | ((line ^ (line >> 2)) & 1) : line & 7;
        return (u32)(line * 128 + (at ^ permutation) * 16);
    }

    __device__ __forceinline__ void open() {
        row = (int)(warp() % 2) * (T / 2);
        column = (int)(warp() / 2) * 32;
        int line = (int)(lane() % 8), matrix = (int)(lane() / 8);
#pragma unroll
        for (int i = 0; i < Down; i++)
            offset_a[i] = place(row + 16 * i + line + 8 * (matrix % 2), matrix / 2);
#pragma unroll
        for (int j = 0; j < Across / 2; j++)
            offset_b[j] = place(column + 16 * j + line + 8 * (matrix / 2), matrix % 2);
#pragma unroll
        for (int i = 0; i < Down; i++)
#pragma unroll
            for (int j = 0; j < Across; j++)
#pragma unroll
                for (int k = 0; k < 4; k++)
                    sum[i][j][k] = 0.f;
    }

    // Four elements of a row.
    static __device__ __forceinline__ void store(Shared& slice, int row, int part, float x, float y, float z, float w) {
        constexpr int ElementsOfChunk = 16 / Format::Bytes;
        Format::put((char*)slice.x + place(row, 4 * part / ElementsOfChunk) + 4 * part % ElementsOfChunk * Format::Bytes, x, y, z, w);
    }

    // Four brain floats of a row.
    static __device__ __forceinline__ void store(Shared& slice, int row, int part, u32 low, u32 high) {
        *(TwoWords*)((char*)slice.x + place(row, part / 2) + part % 2 * 8) = TwoWords{low, high};
    }

    // Two rows of four brain floats, from words that hold one of each.
    static __device__ __forceinline__ void store_pair(Shared& slice, int row, int part, float x, float y, float z, float w) {
        constexpr u32 Lows = 0x5410, Highs = 0x7632;
        store(slice, row, part, __nvvm_prmt(bits(x), bits(y), Lows), __nvvm_prmt(bits(z), bits(w), Lows));
        store(slice, row + 1, part, __nvvm_prmt(bits(x), bits(y), Highs), __nvvm_prmt(bits(z), bits(w), Highs));
    }

    template <class Element>
    static __device__ __forceinline__ void store(Shared& slice, const float4 (&v)[4], bool is_along, int thread) {
        if constexpr (AreHalves && sizeof(Element) == 2) {
            if (is_along) {
#pragma unroll
                for (int i = 0; i < 4; i++)
                    store(slice, thread / 4 + i * (T / 4), thread % 4, bits(v[i].x), bits(v[i].y));
            } else {
                int line = 4 * (thread % (T / 4)), part = thread / (T / 4);
                store_pair(slice, line, part, v[0].x, v[1].x, v[2].x, v[3].x);
                store_pair(slice, line + 2, part, v[0].y, v[1].y, v[2].y, v[3].y);
            }
        } else if (is_along) {
#pragma unroll
            for (int i = 0; i < 4; i++)
                store(slice, thread / 4 + i * (T / 4), thread % 4, v[i].x, v[i].y, v[i].z, v[i].w);
        } else {
            int line = 4 * (thread % (T / 4)), part = thread / (T / 4);
            store(slice, line, part, v[0].x, v[1].x, v[2].x, v[3].x);
            store(slice, line + 1, part, v[0].y, v[1].y, v[2].y, v[3].y);
            store(slice, line + 2, part, v[0].z, v[1].z, v[2].z, v[3].z);
            store(slice, line + 3, part, v[0].w, v[1].w, v[2].w, v[3].w);
        }
    }

    __device__ __forceinline__ void multiply(const Shared& a, const Shared& b) {
        u32 base_a = shared_address(a.x), base_b = shared_address(b.x);
#pragma unroll
        for (int part = 0; part < Parts; part++) {
            u32 x[Down][4], y[Across / 2][4];
#pragma unroll
            for (int i = 0; i < Down; i++)
                load_matrices(x[i], base_a + (offset_a[i] ^ (32 * part)));
#pragma unroll
            for (int j = 0; j < Across / 2; j++)
                load_matrices(y[j], base_b + (offset_b[j] ^ (32 * part)));
#pragma unroll
            for (int i = 0; i < Down; i++)
#pragma unroll
                for (int j = 0; j < Across; j++)
                    Format::multiply(sum[i][j][0], sum[i][j][1], sum[i][j][2], sum[i][j][3], x[i], y[j / 2][2 * (j % 2)], y[j / 2][2 * (j % 2) + 1]);
        }
    }

    // Writes the rows of this warp's part, from 0, at the columns they have in the tile.
    template <int Stride>
    __device__ __forceinline__ void write(float* rows) const {
        using TwoFloats = float __attribute__((ext_vector_type(2)));
        float* to = rows + (lane() / 4) * Stride + column + 2 * (lane() % 4);
#pragma unroll
        for (int i = 0; i < Down; i++)
#pragma unroll
            for (int j = 0; j < Across; j++) {
                *(TwoFloats*)(to + 16 * i * Stride + 8 * j) = TwoFloats{sum[i][j][0], sum[i][j][1]};
                *(TwoFloats*)(to + (16 * i + 8) * Stride + 8 * j) = TwoFloats{sum[i][j][2], sum[i][j][3]};
            }
    }
};

template <int T, class Format, class A, class B>
__device__ __forceinline__ void product(const Product& p) {
    using Machine = Tensor<T, Format>;
    // 8 more than a multiple of 32: the rows of a store then fall on banks of their own.
    constexpr int Stride = T + 8;
    union Memory {
        typename Machine::Shared slices[2][2];
        float rows[T / 2 * Stride];
    };
    __shared__ Memory memory;
    Place place = locate<T>(p);
    Machine machine;
    machine.open();
    multiply<T, A, B>(p, place, memory.slices, machine);
#pragma unroll 1
    for (int half = 0; half < 2; half++) {
        if (half > 0)
            barrier();
        if (machine.row == half * (T / 2))
            machine.template write<Stride>(memory.rows);
        barrier();
        finish_rows<T, T / 2, Stride, Machine::AreHalves>(p, place, half * (T / 2), memory.rows, PlainValues());
    }
}
