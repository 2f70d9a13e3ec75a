// Norms of gradients and clipping. Blocks are chunks of segments, or segments. Sums of squares are double from a thread's few elements on.
#include "math.cuh"
#include "segments.cuh"
#include "sums.cuh"

// squares [chunks] = Σ x² of each chunk.
struct Squares {
    const float* x;
    const Chunk* chunks;
    double* squares;
};

struct SquaresStep {
    const Squares& a;
    Lanes<4> sum;

    template <int W>
    __device__ __forceinline__ void run(i64 i) {
        Lanes<W> x = load<W>(a.x + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            sum[k] = fma(x[k], x[k], sum[k]);
    }
};

KERNEL __launch_bounds__(ChunkThreads) chunk_squares(const Squares a) {
    __shared__ double scratch[WarpSize];
    const Chunk chunk = a.chunks[block_x()];
    SquaresStep step = {a, {}};
    over_chunk(chunk, (u64)a.x, step);
    double sum = 0;
#pragma unroll
    for (int k = 0; k < 4; k++)
        sum += step.sum[k];
    sum = sum_over_block(sum, scratch);
    if (thread_x() == 0)
        a.squares[block_x()] = sum;
}

// Norms of runs of segments and the factors that clip to maxNorm, a run for each block. Segment s has the chunks firstChunk[s] to firstChunk[s + 1].
struct Norms {
    const double* squares;
    const i32* firstChunk;
    float *norms, *factors;
    i32 segments;
    float maxNorm;
};

KERNEL __launch_bounds__(1024) chunk_norms(const Norms a) {
    __shared__ double scratch[WarpSize];
    const i32* run = a.firstChunk + (i64)block_x() * a.segments;
    double sum = 0;
    for (int i = run[0] + thread_x(), end = run[a.segments]; i < end; i += block_threads())
        sum += a.squares[i];
    double norm = sqrt(sum_over_block(sum, scratch));
    if (thread_x() != 0)
        return;
    a.norms[block_x()] = (float)norm;
    a.factors[block_x()] = clip_factor(norm, a.maxNorm);
}

// x *= factors[segment · step]; step is 0 where all segments share a factor. What is not too long is not touched.
struct Scale {
    float* x;
    const Chunk* chunks;
    const float* factors;
    i32 step;
};

struct ScaleStep {
    const Scale& a;
    float factor;

    template <int W>
    __device__ __forceinline__ void run(i64 i) {
        Lanes<W> x = load<W>(a.x + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            x[k] *= factor;
        store(a.x + i, x);
    }
};

KERNEL __launch_bounds__(ChunkThreads) scale_chunks(const Scale a) {
    const Chunk chunk = a.chunks[block_x()];
    ScaleStep step = {a, a.factors[chunk.segment * a.step]};
    if (step.factor < 1.f)
        over_chunk(chunk, (u64)a.x, step);
}
