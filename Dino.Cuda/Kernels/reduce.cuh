// Sums and extremes over a warp and over a block, in an order that depends on nothing but the number of threads.
#pragma once
#include "cuda.cuh"

struct Sum {
    static constexpr float identity = 0.f;
    static __device__ __forceinline__ float join(float a, float b) { return a + b; }
};

struct Largest {
    static constexpr float identity = -Infinity;
    static __device__ __forceinline__ float join(float a, float b) { return max(a, b); }
};

template <class Operator>
__device__ __forceinline__ float over_warp(float x) {
#pragma unroll
    for (int mask = WarpSize / 2; mask > 0; mask /= 2)
        x = Operator::join(x, shuffle_xor(x, mask));
    return x;
}

// Every thread gets the result. The block has a multiple of 32 threads, 1024 at most; scratch has 32 floats and may be used again at once.
template <class Operator>
__device__ __forceinline__ float over_block(float x, float* scratch) {
    x = over_warp<Operator>(x);
    if (block_threads() == WarpSize)
        return x;
    barrier();
    if (lane() == 0)
        scratch[warp()] = x;
    barrier();
    return over_warp<Operator>(lane() < block_threads() / WarpSize ? scratch[lane()] : Operator::identity);
}
