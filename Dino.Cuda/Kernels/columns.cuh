// Tiles of a matrix [rows, columns], each the work of a block: lanes (2^lane_bits of them, 32 at most) side by side along the columns with W
// neighbours each, and groups of lanes one row after the other. A tile ends after tile_rows rows.
#pragma once
#include "rows.cuh"

struct Tiling {
    i64 rows;
    i32 columns;
    i32 column_tiles;
    i32 tile_rows;
    i32 lane_bits;
};

// Where a thread stands.
template <int W>
struct Place {
    i64 tile;
    // The first row of this thread and the end of the tile; steps are of groups.
    i64 row, last;
    int column, group, groups, lanes;
    // Whether there are columns for it. Otherwise it has no rows either.
    bool inside;

    // The index counts tiles of columns first, then tiles of rows.
    __device__ __forceinline__ Place(const Tiling& t, i64 index) {
        tile = index / t.column_tiles;
        lanes = 1 << t.lane_bits;
        groups = (int)block_threads() >> t.lane_bits;
        group = (int)thread_x() >> t.lane_bits;
        int column_tile = (int)(index - tile * t.column_tiles);
        column = (column_tile * lanes + ((int)thread_x() & (lanes - 1))) * W;
        inside = column < t.columns;
        row = tile * t.tile_rows + group;
        last = inside ? min(t.rows, (tile + 1) * t.tile_rows) : 0;
    }
};

// use(x(row), row) for each row of a thread in turn. Rows are loaded four at a time: latency is what a thread waits for.
template <class X, class Use>
__device__ __forceinline__ void each_row(i64 row, i64 last, int groups, X x, Use use) {
    constexpr int batch = 4;
    for (; row + (batch - 1) * groups < last; row += batch * groups) {
        decltype(x(row)) loaded[batch];
#pragma unroll
        for (int k = 0; k < batch; k++)
            loaded[k] = x(row + k * groups);
#pragma unroll
        for (int k = 0; k < batch; k++)
            use(loaded[k], row + k * groups);
    }
    for (; row < last; row += groups)
        use(x(row), row);
}

// Σ x(row) over the rows of a thread: chains of 16 additions, then a chain of those sums.
template <class X>
__device__ __forceinline__ float sum_of_rows(i64 row, i64 last, int groups, X x) {
    constexpr int run = 16;
    float sum = 0.f;
    for (; row < last; row += run * groups) {
        float loaded[run], part = 0.f;
#pragma unroll
        for (int k = 0; k < run; k++)
            loaded[k] = row + k * groups < last ? x(row + k * groups) : 0.f;
#pragma unroll
        for (int k = 0; k < run; k++)
            part += loaded[k];
        sum += part;
    }
    return sum;
}

// Joins what the groups have, in a tree, and gives it to all of them. T is joined by an operator on its elements; scratch has an element for each thread.
template <class T, class F>
__device__ __forceinline__ T over_groups(T mine, int group, int groups, int lanes, T* scratch, F join) {
    int at = (int)thread_x();
    barrier();
    scratch[at] = mine;
    for (int half = groups / 2; half > 0; half /= 2) {
        barrier();
        if (group < half)
            scratch[at] = mine = join(mine, scratch[at + half * lanes]);
    }
    barrier();
    return scratch[at & (lanes - 1)];
}

template <int W>
struct Both {
    Piece<W> first, second;
};

template <int W>
__device__ __forceinline__ Piece<W> plus(Piece<W> a, const Piece<W>& b) {
    each_of<W>([&](int i) { a.at[i] += b.at[i]; });
    return a;
}
