// Steps of optimizers: p parameter, g gradient, m and v moments, u momentum. Blocks are chunks of segments. Roundings are those of the CPU, in its order.
#include "math.cuh"
#include "segments.cuh"
#include "sums.cuh"

// Constants of a segment: 1 - lr · decay where decay is decoupled (else 1), decay that joins the gradient (else 0), lr / (1 - beta1^step),
// 1 / sqrt(1 - beta2^step), and whether the moments begin here.
struct AdamRate {
    float shrink, decay, stepSize, rootCorrection;
    i32 isFirst;
};

struct Adam {
    float* p;
    const float* g;
    float *m, *v;
    const Chunk* chunks;
    Sweep sweep;
    float beta1, fresh1, beta2, fresh2, epsilon;
    AdamRate rates[PaletteSize];
};

struct AdamStep {
    const Adam& a;
    AdamRate rate;
    float clip;

    template <int W>
    __device__ __forceinline__ void run(i64 i) {
        Lanes<W> p = load<W>(a.p + i), g = load<W>(a.g + i), m = load<W>(a.m + i), v = load<W>(a.v + i), f = load_follower<W>(a.sweep, i);
#pragma unroll
        for (int k = 0; k < W; k++) {
            float gradient = fma(p[k], rate.decay, g[k] * clip);
            m[k] = fma(rate.isFirst ? 0.f : m[k], a.beta1, gradient * a.fresh1);
            v[k] = fma(rate.isFirst ? 0.f : v[k], a.beta2, gradient * gradient * a.fresh2);
            float denominator = fma(sqrt(v[k]), rate.rootCorrection, a.epsilon);
            p[k] = fma(p[k], rate.shrink, -rate.stepSize * m[k] / denominator);
        }
        store(a.m + i, m);
        store(a.v + i, v);
        store(a.p + i, p);
        follow(a.sweep, f, p, i);
    }
};

KERNEL __launch_bounds__(ChunkThreads) adam(const Adam a) {
    const Chunk chunk = a.chunks[block_x()];
    AdamStep step = {a, a.rates[chunk.entry], clip_factor(a.sweep, chunk)};
    over_chunk(chunk, (u64)a.p | (u64)a.g | (u64)a.m | (u64)a.v | (u64)a.sweep.follower, step);
}

struct MomentumRate {
    float decay, rate;
    i32 isFirst, adapts;
};

// trust [segments] is null where no segment adapts, u where there is no momentum.
struct Momentum {
    float* p;
    const float* g;
    float* u;
    const Chunk* chunks;
    const float* trust;
    Sweep sweep;
    float keep, fresh;
    i32 nesterov;
    MomentumRate rates[PaletteSize];
};

struct MomentumStep {
    const Momentum& a;
    MomentumRate rate;
    float clip, factor;

    // d = factor (clip g + decay p); u = keep u + fresh d, or d alone at the first step; p -= rate · (u, or with Nesterov d + keep u).
    template <int W>
    __device__ __forceinline__ void run(i64 i) {
        Lanes<W> p = load<W>(a.p + i), d = load<W>(a.g + i), f = load_follower<W>(a.sweep, i);
#pragma unroll
        for (int k = 0; k < W; k++)
            d[k] = fma(p[k], rate.decay, d[k] * clip) * factor;
        if (a.u) {
            Lanes<W> u = d;
            if (!rate.isFirst) {
                u = load<W>(a.u + i);
#pragma unroll
                for (int k = 0; k < W; k++)
                    u[k] = fma(u[k], a.keep, d[k] * a.fresh);
            }
            store(a.u + i, u);
#pragma unroll
            for (int k = 0; k < W; k++)
                d[k] = a.nesterov ? fma(u[k], a.keep, d[k]) : u[k];
        }
#pragma unroll
        for (int k = 0; k < W; k++)
            p[k] = fma(d[k], -rate.rate, p[k]);
        store(a.p + i, p);
        follow(a.sweep, f, p, i);
    }
};

KERNEL __launch_bounds__(ChunkThreads) momentum(const Momentum a) {
    const Chunk chunk = a.chunks[block_x()];
    MomentumStep step = {a, a.rates[chunk.entry], clip_factor(a.sweep, chunk), a.trust ? a.trust[chunk.segment] : 1.f};
    over_chunk(chunk, (u64)a.p | (u64)a.g | (u64)a.u | (u64)a.sweep.follower, step);
}

// squares [chunks, 2] = Σ p² and Σ (clip g + decay p)² of each chunk; zeros where the segment does not adapt.
struct LarsSquares {
    const float *p, *g;
    const Chunk* chunks;
    double* squares;
    Sweep sweep;
    MomentumRate rates[PaletteSize];
};

struct LarsSquaresStep {
    const LarsSquares& a;
    float clip, decay;
    Lanes<4> weight, update;

    template <int W>
    __device__ __forceinline__ void run(i64 i) {
        Lanes<W> p = load<W>(a.p + i), g = load<W>(a.g + i);
#pragma unroll
        for (int k = 0; k < W; k++) {
            float d = fma(p[k], decay, g[k] * clip);
            weight[k] = fma(p[k], p[k], weight[k]);
            update[k] = fma(d, d, update[k]);
        }
    }
};

KERNEL __launch_bounds__(ChunkThreads) lars_squares(const LarsSquares a) {
    __shared__ double scratch[WarpSize];
    const Chunk chunk = a.chunks[block_x()];
    const MomentumRate rate = a.rates[chunk.entry];
    LarsSquaresStep step = {a, clip_factor(a.sweep, chunk), rate.decay, {}, {}};
    if (rate.adapts)
        over_chunk(chunk, (u64)a.p | (u64)a.g, step);
    double weight = 0, update = 0;
#pragma unroll
    for (int k = 0; k < 4; k++) {
        weight += step.weight[k];
        update += step.update[k];
    }
    weight = sum_over_block(weight, scratch);
    update = sum_over_block(update, scratch);
    if (thread_x() == 0) {
        a.squares[2 * (i64)block_x()] = weight;
        a.squares[2 * (i64)block_x() + 1] = update;
    }
}

// trust [segments] = coefficient ‖p‖ / ‖update‖, 1 where either is 0. Blocks are segments; the chunks of segment s are firstChunk[s] to firstChunk[s + 1].
struct LarsTrust {
    const double* squares;
    const i32* firstChunk;
    float* trust;
    float coefficient;
};

KERNEL lars_trust(const LarsTrust a) {
    __shared__ double scratch[WarpSize];
    double weight = 0, update = 0;
    int end = a.firstChunk[block_x() + 1];
    for (int i = a.firstChunk[block_x()] + thread_x(); i < end; i += block_threads()) {
        weight += a.squares[2 * (i64)i];
        update += a.squares[2 * (i64)i + 1];
    }
    weight = sqrt(sum_over_block(weight, scratch));
    update = sqrt(sum_over_block(update, scratch));
    if (thread_x() == 0)
        a.trust[block_x()] = weight > 0 && update > 0 ? (float)(a.coefficient * weight / update) : 1.f;
}
