// The order of floats: NaN above every number, -0 equal to 0, subnormal numbers apart; and of elements, where of equal ones the earlier comes first.
#pragma once
#include "cuda.cuh"

// A number that grows with x.
__device__ __forceinline__ u32 rank_of(float x) {
    u32 b = bits(x), size = b & 0x7fffffffu;
    // Of negative numbers the one with the larger bits is smaller.
    u32 rank = b ^ ((u32)((i32)b >> 31) | 0x80000000u);
    rank = size == 0 ? 0x80000000u : rank;
    return size > 0x7f800000u ? 0xffffffffu : rank;
}

// A number that grows as x falls; NaN is above again.
__device__ __forceinline__ u32 reverse_rank_of(float x) {
    u32 rank = rank_of(x);
    return rank == 0xffffffffu ? rank : ~rank;
}

// Grows with the rank, and falls with the index. All are above 0.
__device__ __forceinline__ u64 ranked(u32 rank, u32 index) { return (u64)rank << 32 | (u32)~index; }
__device__ __forceinline__ u32 index_of(u64 ranked) { return ~(u32)ranked; }

__device__ __forceinline__ u64 shuffle_xor(u64 x, int mask) {
    u32 low = shuffle_xor((u32)x, mask), high = shuffle_xor((u32)(x >> 32), mask);
    return (u64)high << 32 | low;
}

// A step of a bitonic sort (Batcher 1968) by the threads of a block: pairs stride apart in items [length] are put in order, falling and rising by turns of
// size; base is where the items begin in the whole sequence. Every step begins with a barrier.
__device__ __forceinline__ void sort_step(u64* items, int length, i64 base, i64 size, int stride) {
    barrier();
    for (int i = (int)thread_x(); i < length / 2; i += (int)block_threads()) {
        int low = 2 * i - (i & (stride - 1)), high = low + stride;
        u64 a = items[low], b = items[high];
        if ((a < b) == (((base + low) & size) == 0)) {
            items[low] = b;
            items[high] = a;
        }
    }
}

// Puts items [length], a power of two, into falling order; or those from base on as a sort of a longer sequence wants them. Ends with a barrier.
__device__ __forceinline__ void sort_block(u64* items, int length, i64 base = 0) {
    for (int size = 2; size <= length; size *= 2)
        for (int stride = size / 2; stride > 0; stride /= 2)
            sort_step(items, length, base, size, stride);
    barrier();
}
