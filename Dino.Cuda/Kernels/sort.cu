// All or many of the elements of each row in falling order, ties by rising index: a bitonic sort of ranked elements [rows, length], length a power of two
// and zeros behind the n elements. Runs of 2048 are sorted in shared memory.
#include "order.cuh"

constexpr int Run = 2048;

struct Sort {
    const float* x;
    const float* offsets;
    u64* items;
    float* values;
    i32* indices;
    i64 rows;
    i64 length;
    // Steps within blocks of size; pairs are stride apart.
    i64 size;
    i64 stride;
    i32 n;
    i32 k;
};

__device__ __forceinline__ float element(const Sort& a, i64 row, i64 i) {
    float x = a.x[row * a.n + i];
    return a.offsets ? x + a.offsets[i] : x;
}

// Sorts runs: the beginning.
KERNEL __launch_bounds__(512) sort_runs(const Sort a) {
    __shared__ u64 items[Run];
    i64 at = (i64)block_x() * Run, row = at / a.length, base = at - row * a.length;
    for (int i = (int)thread_x(); i < Run; i += (int)block_threads())
        items[i] = base + i < a.n ? ranked(rank_of(element(a, row, base + i)), (u32)(base + i)) : 0;
    sort_block(items, Run, base);
    for (int i = (int)thread_x(); i < Run; i += (int)block_threads())
        a.items[at + i] = items[i];
}

// One step of a size over strides of a run or more.
KERNEL __launch_bounds__(256) sort_far(const Sort a) {
    for (i64 i = walk_start(); i < a.rows * a.length / 2; i += walk_step()) {
        i64 low = 2 * i - (i & (a.stride - 1)), high = low + a.stride;
        u64 x = a.items[low], y = a.items[high];
        if ((x < y) == ((low & (a.length - 1) & a.size) == 0)) {
            a.items[low] = y;
            a.items[high] = x;
        }
    }
}

// The steps of a size within runs: its end.
KERNEL __launch_bounds__(512) sort_near(const Sort a) {
    __shared__ u64 items[Run];
    i64 at = (i64)block_x() * Run, base = at & (a.length - 1);
    for (int i = (int)thread_x(); i < Run; i += (int)block_threads())
        items[i] = a.items[at + i];
    for (int stride = Run / 2; stride > 0; stride /= 2)
        sort_step(items, Run, base, a.size, stride);
    barrier();
    for (int i = (int)thread_x(); i < Run; i += (int)block_threads())
        a.items[at + i] = items[i];
}

KERNEL __launch_bounds__(256) sort_write(const Sort a) {
    for (i64 at = walk_start(); at < a.rows * a.k; at += walk_step()) {
        i64 row = at / a.k, index = index_of(a.items[row * a.length + (at - row * a.k)]);
        a.values[at] = element(a, row, index);
        a.indices[at] = (i32)index;
    }
}
