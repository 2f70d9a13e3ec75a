// Sweeps over segments of flat buffers. A table of chunks says which block works on what; see SegmentTable in C#.
#pragma once
#include "cuda.cuh"

// Threads of a block that works on a chunk, and segments of different constants that one launch takes.
constexpr int ChunkThreads = 256, PaletteSize = 32;

// A piece of a segment, the work of one block.
struct Chunk {
    i64 offset;
    i32 length;
    // Which segment it belongs to, which constants that has in the arguments of the kernel, and where the norm of its gradient is.
    i32 segment, entry, norm;
};

// What a step takes along; see SweepExtras. Absent where a pointer is null.
struct Sweep {
    const float* norms;
    float* follower;
    float maxNorm, keep, fresh;
};

// W elements of each buffer that one thread works on.
template <int W>
struct Lanes {
    float x[W];

    __device__ __forceinline__ float& operator[](int i) { return x[i]; }
    __device__ __forceinline__ float operator[](int i) const { return x[i]; }
};

template <int W>
__device__ __forceinline__ Lanes<W> load(const float* x) {
    if constexpr (W == 4) {
        float4 v = *(const float4*)x;
        return {v.x, v.y, v.z, v.w};
    } else {
        return {*x};
    }
}

template <int W>
__device__ __forceinline__ void store(float* y, const Lanes<W>& x) {
    if constexpr (W == 4)
        *(float4*)y = float4{x[0], x[1], x[2], x[3]};
    else
        *y = x[0];
}

// min(1, maxNorm / (norm + 1e-6)), 1 for a norm that is NaN: the formula of the CPU.
__device__ __forceinline__ float clip_factor(double norm, float maxNorm) {
    double factor = maxNorm > 0.f ? maxNorm / (norm + (double)1e-6f) : 1.;
    return factor < 1. ? (float)factor : 1.f;
}

__device__ __forceinline__ float clip_factor(const Sweep& sweep, const Chunk& chunk) {
    return sweep.norms ? clip_factor(sweep.norms[chunk.norm], sweep.maxNorm) : 1.f;
}

// The follower before its move. Loaded with the other operands: behind their stores it would wait by itself.
template <int W>
__device__ __forceinline__ Lanes<W> load_follower(const Sweep& sweep, i64 i) {
    return sweep.follower ? load<W>(sweep.follower + i) : Lanes<W>{};
}

// Moves the follower f towards p, the parameters from element i on after their update.
template <int W>
__device__ __forceinline__ void follow(const Sweep& sweep, Lanes<W> f, const Lanes<W>& p, i64 i) {
    if (!sweep.follower)
        return;
#pragma unroll
    for (int k = 0; k < W; k++)
        f[k] = fma(sweep.fresh, p[k], sweep.keep * f[k]);
    store(sweep.follower + i, f);
}

// Calls step.run<4>(i) and step.run<1>(i) so that all elements i of the chunk are run over once; by fours where all buffers begin on 16 bytes, which the
// low bits of their addresses, joined by or, tell.
template <class Step>
__device__ __forceinline__ void over_chunk(const Chunk& chunk, u64 addresses, Step& step) {
    bool isAligned = addresses % sizeof(float4) == 0 && chunk.offset % 4 == 0;
    int whole = isAligned ? chunk.length & ~3 : 0;
    for (int i = 4 * thread_x(); i < whole; i += 4 * ChunkThreads)
        step.template run<4>(chunk.offset + i);
    for (int i = whole + thread_x(); i < chunk.length; i += ChunkThreads)
        step.template run<1>(chunk.offset + i);
}
