// Rows gathered and scattered by indices. An index outside the table ends the kernel, and with it all work of the device: nothing else would be
// noticed before the host reads a result.
#include "position.cuh"

// Columns in units of what a thread moves at once.
struct Gather {
    const void* x;
    const i32* indices;
    void* y;
    i64 rows, columns;
    u32 table;
};

struct Scatter {
    const float* x;
    const i32* indices;
    float* y;
    i64 columns;
    u32 count, table;
};

// Vectors are moved whole; structures would be moved in parts.
using Run8 = u32 __attribute__((ext_vector_type(2)));
using Run16 = u32 __attribute__((ext_vector_type(4)));
using Floats4 = float __attribute__((ext_vector_type(4)));

__device__ __forceinline__ u32 row_at(const i32* indices, i64 position, u32 table) {
    u32 row = (u32)indices[position];
    if (row >= table)
        __builtin_trap();
    return row;
}

// y [rows, columns] = x[indices].
template <class T>
__device__ __forceinline__ void gather(const Gather& g) {
    for (Position at(g.columns); at.row < g.rows; at.advance()) {
        i64 row = row_at(g.indices, at.row, g.table);
        ((T*)g.y)[at.row * g.columns + at.column] = ((const T*)g.x)[row * g.columns + at.column];
    }
}

KERNEL gather_1(const Gather g) { gather<u8>(g); }
KERNEL gather_2(const Gather g) { gather<u16>(g); }
KERNEL gather_4(const Gather g) { gather<u32>(g); }
KERNEL gather_8(const Gather g) { gather<Run8>(g); }
KERNEL gather_16(const Gather g) { gather<Run16>(g); }

// y[indices[i]] += x[i], in rising order of i. Block (i, tile) has 256 threads, each with one column (or four) of a tile. The first i of a row of y adds
// all that follow for the same row; the other blocks find an earlier one and end. No two blocks write the same element, and the order is fixed.
constexpr u32 ScatterThreads = 256, Warps = ScatterThreads / WarpSize;
// Indices looked at between two barriers: one word of votes for each lane of a warp.
constexpr u32 Rounds = WarpSize / Warps, Stretch = Rounds * ScatterThreads;
// Rows whose loads are under way at the same time.
constexpr int Ahead = 8;

__device__ __forceinline__ u32 ballot(bool vote) { return __nvvm_vote_ballot_sync(FullWarp, vote); }

template <class T>
__device__ __forceinline__ T with_rows(T sum, const T* x, i64 columns, u32 word) {
    while (word != 0) {
        T values[Ahead];
        bool exists[Ahead];
#pragma unroll
        for (int k = 0; k < Ahead; k++) {
            exists[k] = word != 0;
            if (exists[k])
                values[k] = x[__builtin_ctz(word) * columns];
            word &= word - 1;
        }
#pragma unroll
        for (int k = 0; k < Ahead; k++)
            sum = exists[k] ? sum + values[k] : sum;
    }
    return sum;
}

template <class T>
__device__ __forceinline__ void scatter_add(const Scatter& s) {
    __shared__ u32 votes[WarpSize];
    u32 first = block_x(), row = row_at(s.indices, first, s.table);
    bool isRepeated = false;
    for (u32 i = thread_x(); i < first; i += ScatterThreads)
        isRepeated |= (u32)s.indices[i] == row;
    u32 vote = ballot(isRepeated);
    if (lane() == 0)
        votes[warp()] = vote;
    barrier();
    if (ballot(lane() < Warps && votes[lane()] != 0) != 0)
        return;

    i64 column = (i64)block_y() * ScatterThreads + thread_x();
    bool isInside = column < s.columns;
    const T* x = (const T*)s.x + column;
    T* y = (T*)s.y + row * s.columns + column;
    T sum = {};
    if (isInside)
        sum = *y;
    for (u32 start = first; start < s.count; start += Stretch) {
        barrier();
#pragma unroll
        for (u32 round = 0; round < Rounds; round++) {
            u32 i = start + round * ScatterThreads + thread_x();
            u32 word = ballot(i < s.count && (u32)s.indices[i] == row);
            if (lane() == 0)
                votes[round * Warps + warp()] = word;
        }
        barrier();
        u32 own = votes[lane()], words = ballot(own != 0);
        for (; words != 0; words &= words - 1) {
            u32 k = __builtin_ctz(words), word = shuffle(own, k);
            if (isInside)
                sum = with_rows(sum, x + (i64)(start + k * WarpSize) * s.columns, s.columns, word);
        }
    }
    if (isInside)
        *y = sum;
}

KERNEL scatter_add_4(const Scatter s) { scatter_add<float>(s); }
KERNEL scatter_add_16(const Scatter s) { scatter_add<Floats4>(s); }
