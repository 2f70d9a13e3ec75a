// The k largest of each row, in falling order, ties by rising index: k is 1024 at most. A block reads a row once. What is above the k-th best that it
// knows of goes into a list in shared memory; when that is full it is sorted and cut to k, which raises the bar. Of n elements in random order about
// k ln(n / k) pass it. Elements never compare equal, so any order of work finds the same ones.
#include "order.cuh"

constexpr int Capacity = 2048, PerThread = 4;

struct TopK {
    const float* x;
    // [n], added to every row; may be absent.
    const float* offsets;
    // Ranked elements [rows, n] to choose from, when x has been searched in segments.
    const u64* candidates;
    // Either the result, or the best of each segment, [rows, segments, k], with zeros where there are fewer.
    float* values;
    i32* indices;
    u64* best;
    i32 n;
    i32 k;
    i32 segment;
    i32 segments;
    // Columns of x.
    i32 columns;
};

// Elements of a row, and the indices they stand for.
struct Elements {
    const float* x;
    const float* offsets;
    using Raw = float;

    __device__ __forceinline__ Elements(const TopK& a, i64 row) : x(a.x + row * a.columns), offsets(a.offsets) {}
    __device__ __forceinline__ float read(u32 i) const { return offsets ? x[i] + offsets[i] : x[i]; }
    static __device__ __forceinline__ u64 rank(float x, u32 i) { return ranked(rank_of(x), i); }
};

struct Candidates {
    const u64* x;
    using Raw = u64;

    __device__ __forceinline__ Candidates(const TopK& a, i64 row) : x(a.candidates + row * a.n) {}
    __device__ __forceinline__ u64 read(u32 i) const { return x[i]; }
    static __device__ __forceinline__ u64 rank(u64 x, u32) { return x; }
};

// Sorts the first count items; returns how many there may be of the k best.
__device__ __forceinline__ int sort_and_cut(u64* items, int count, int k) {
    int length = 2;
    while (length < count)
        length *= 2;
    for (int i = count + (int)thread_x(); i < length; i += (int)block_threads())
        items[i] = 0;
    sort_block(items, length);
    return min(count, k);
}

template <class Source>
__device__ __forceinline__ void top_k(const TopK& a) {
    __shared__ u64 items[Capacity];
    __shared__ int counts[WarpSize];
    i64 row = block_x() / a.segments;
    // Unsigned: an index beyond the end of a row of 2^31 - 1 does not wrap.
    u32 threads = block_threads(), tile = threads * PerThread;
    u32 first = (u32)(block_x() - row * a.segments) * (u32)a.segment, last = (u32)a.n - first < (u32)a.segment ? (u32)a.n : first + (u32)a.segment;
    int count = 0;
    Source source(a, row);
    u64 bar = 0;
    typename Source::Raw next[PerThread] = {};
    auto fetch = [&](u32 start) {
#pragma unroll
        for (int j = 0; j < PerThread; j++) {
            u32 i = start + j * threads + thread_x();
            if (i < last)
                next[j] = source.read(i);
        }
    };

    fetch(first);
    for (u32 start = first; start < last; start += tile) {
        u64 mine[PerThread];
        int places[PerThread], passed = 0;
#pragma unroll
        for (int j = 0; j < PerThread; j++) {
            u32 i = start + j * threads + thread_x();
            mine[j] = i < last ? Source::rank(next[j], i) : 0;
            u32 passing = __nvvm_vote_ballot_sync(FullWarp, mine[j] > bar);
            places[j] = passed + __builtin_popcount(passing & ((1u << lane()) - 1));
            passed += __builtin_popcount(passing);
        }
        // They are under way while this tile is dealt with.
        fetch(start + tile);
        if (lane() == 0)
            counts[warp()] = passed;
        barrier();
        int before = count;
        for (u32 w = 0; w < threads / WarpSize; w++) {
            before += w < warp() ? counts[w] : 0;
            count += counts[w];
        }
#pragma unroll
        for (int j = 0; j < PerThread; j++)
            if (mine[j] > bar)
                items[before + places[j]] = mine[j];
        barrier();
        if (count > Capacity - (int)tile) {
            count = sort_and_cut(items, count, a.k);
            // It is not written again before the next tile's own barrier, or before the one that the last sort begins with.
            bar = items[a.k - 1];
        }
    }
    count = sort_and_cut(items, count, a.k);

    for (int i = (int)thread_x(); i < a.k; i += (int)threads) {
        if (a.best) {
            a.best[(i64)block_x() * a.k + i] = i < count ? items[i] : 0;
            continue;
        }
        // The elements themselves, not what their ranks say of them: NaNs and zeros keep their bits.
        u32 index = index_of(items[i]);
        a.values[row * a.k + i] = Elements(a, row).read(index);
        a.indices[row * a.k + i] = (i32)index;
    }
}

KERNEL __launch_bounds__(256) top_k_elements(const TopK a) { top_k<Elements>(a); }
KERNEL __launch_bounds__(256) top_k_candidates(const TopK a) { top_k<Candidates>(a); }
