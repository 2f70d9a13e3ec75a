// Sums in double over a block, in an order that depends on nothing but the number of threads: what blocks leave to each other adds up to many millions
// of elements.
#pragma once
#include "cuda.cuh"

__device__ __forceinline__ double sum_over_warp(double x) {
#pragma unroll
    for (int mask = WarpSize / 2; mask > 0; mask /= 2) {
        u64 pattern = __builtin_bit_cast(u64, x);
        u64 low = shuffle_xor((u32)pattern, mask), high = shuffle_xor((u32)(pattern >> 32), mask);
        x += __builtin_bit_cast(double, high << 32 | low);
    }
    return x;
}

// Every thread gets the sum. The block has a multiple of 32 threads, 1024 at most; scratch has 32 numbers and may be used again at once.
__device__ __forceinline__ double sum_over_block(double x, double* scratch) {
    x = sum_over_warp(x);
    barrier();
    if (lane() == 0)
        scratch[warp()] = x;
    barrier();
    return sum_over_warp(lane() < block_threads() / WarpSize ? scratch[lane()] : 0.);
}
