// Batch normalisation in train mode: statistics of the columns of x [R, C] over its rows, and the gradient of x. A tile of rows finds its own means and
// squared deviations in registers; those of all tiles are merged by the rule of Chan, Golub and LeVeque (1979).
#include "columns.cuh"
#include "math.cuh"

// Rows of a tile that one thread holds.
constexpr int Held = 8;

struct Moments {
    const float* x;
    // Mean and Σ (x - mean)² of each tile, [tiles, 2, C].
    float* partials;
    Tiling tiling;
};

template <int W>
__device__ __forceinline__ void batch_norm_moments(const Moments& a) {
    alignas(16) __shared__ Piece<W> scratch[256];
    Place<W> p(a.tiling, block_x());
    // The first row of the tile is the pivot of the mean: sums then round like the spread of the values, not like the values.
    i64 first = p.tile * a.tiling.tile_rows;
    Piece<W> pivot = {}, held[Held], sum = {}, squares = {};
    if (p.inside)
        pivot = load<W>(a.x + first * a.tiling.columns + p.column);
#pragma unroll
    for (int k = 0; k < Held; k++) {
        i64 row = p.row + k * p.groups;
        held[k] = pivot;
        if (row < p.last)
            held[k] = load<W>(a.x + row * a.tiling.columns + p.column);
    }
#pragma unroll
    for (int k = 0; k < Held; k++)
        each_of<W>([&](int i) { sum.at[i] += held[k].at[i] - pivot.at[i]; });
    auto join = [](const Piece<W>& x, const Piece<W>& y) { return plus(x, y); };
    sum = over_groups(sum, p.group, p.groups, p.lanes, scratch, join);

    float share = 1.f / (float)max(p.last - first, (i64)1);
    Piece<W> mean = pivot;
    each_of<W>([&](int i) { mean.at[i] = fma(sum.at[i], share, mean.at[i]); });
#pragma unroll
    for (int k = 0; k < Held; k++) {
        bool exists = p.row + k * p.groups < p.last;
        each_of<W>([&](int i) {
            float deviation = exists ? held[k].at[i] - mean.at[i] : 0.f;
            squares.at[i] = fma(deviation, deviation, squares.at[i]);
        });
    }
    squares = over_groups(squares, p.group, p.groups, p.lanes, scratch, join);
    if (p.group == 0 && p.inside) {
        float* partial = a.partials + p.tile * 2 * a.tiling.columns + p.column;
        store<W>(partial, mean);
        store<W>(partial + a.tiling.columns, squares);
    }
}

struct Merge {
    const float* partials;
    float* mean;
    float* variance;
    // The tiles as rows, in one tile.
    Tiling tiling;
    // Rows of x, and those of each tile but the last.
    i64 rows;
    i32 tile_rows;
    float share;
};

KERNEL __launch_bounds__(1024) batch_norm_merge(const Merge a) {
    // Chains of 16 additions, then a chain of those sums, then a tree.
    constexpr int run = 16;
    __shared__ float scratch[1024];
    Place<1> p(a.tiling, block_x());
    const float* column = a.partials + p.column;
    auto add_up = [&](auto term) {
        float sum = 0.f;
        for (i64 start = p.row; start < p.last; start += run * p.groups) {
            float part = 0.f;
#pragma unroll
            for (int i = 0; i < run; i++) {
                i64 tile = start + i * p.groups;
                if (tile < p.last)
                    part += term(column + tile * 2 * a.tiling.columns, (float)min(a.rows - tile * a.tile_rows, (i64)a.tile_rows));
            }
            sum += part;
        }
        return over_groups(sum, p.group, p.groups, p.lanes, scratch, [](float x, float y) { return x + y; });
    };

    float pivot = p.inside ? *column : 0.f;
    float mean = fma(add_up([&](const float* tile, float rows) { return (*tile - pivot) * rows; }), a.share, pivot);
    float squares = add_up([&](const float* tile, float rows) {
        float distance = *tile - mean;
        return fma(distance * rows, distance, tile[a.tiling.columns]);
    });
    if (p.group == 0 && p.inside) {
        a.mean[p.column] = mean;
        a.variance[p.column] = squares * a.share;
    }
}

struct BatchNorm {
    const float* x;
    const float* gamma;
    const float* beta;
    const float* mean;
    const float* variance;
    float* y;
    Tiling tiling;
    float epsilon;
};

// y = (x - mean) · gamma / sqrt(variance + epsilon) + beta.
template <int W>
__device__ __forceinline__ void batch_norm(const BatchNorm& a) {
    Place<W> p(a.tiling, block_x());
    if (!p.inside)
        return;
    Piece<W> mean = load<W>(a.mean + p.column), scale = load<W>(a.variance + p.column);
    Piece<W> gamma = load_or<W>(a.gamma, p.column, 1.f), beta = load_or<W>(a.beta, p.column, 0.f);
    each_of<W>([&](int i) { scale.at[i] = gamma.at[i] / sqrt(scale.at[i] + a.epsilon); });
#pragma unroll 4
    for (i64 row = p.row; row < p.last; row += p.groups) {
        i64 at = row * a.tiling.columns + p.column;
        Piece<W> y = load<W>(a.x + at);
        each_of<W>([&](int i) { y.at[i] = fma(y.at[i] - mean.at[i], scale.at[i], beta.at[i]); });
        store<W>(a.y + at, y);
    }
}

struct BatchNormGradient {
    const float* x;
    const float* gamma;
    const float* mean;
    const float* variance;
    const float* dy;
    // Σ dy u and Σ dy, [2, C].
    const float* total;
    float* dx;
    Tiling tiling;
    float epsilon;
    float share;
    i32 accumulate;
};

// dx = gamma rstd (dy - mean(dy) - u mean(dy u)) with u = (x - mean) rstd.
template <int W>
__device__ __forceinline__ void batch_norm_gradient(const BatchNormGradient& a) {
    Place<W> p(a.tiling, block_x());
    if (!p.inside)
        return;
    Piece<W> mean = load<W>(a.mean + p.column), rstd = load<W>(a.variance + p.column), gamma = load_or<W>(a.gamma, p.column, 1.f);
    Piece<W> along = load<W>(a.total + p.column), average = load<W>(a.total + a.tiling.columns + p.column);
    each_of<W>([&](int i) {
        rstd.at[i] = 1.f / sqrt(rstd.at[i] + a.epsilon);
        gamma.at[i] *= rstd.at[i];
        along.at[i] *= a.share * rstd.at[i];
        average.at[i] *= a.share;
    });
#pragma unroll 4
    for (i64 row = p.row; row < p.last; row += p.groups) {
        i64 at = row * a.tiling.columns + p.column;
        Piece<W> x = load<W>(a.x + at), dx = load<W>(a.dy + at);
        each_of<W>([&](int i) { dx.at[i] = (dx.at[i] - average.at[i] - (x.at[i] - mean.at[i]) * along.at[i]) * gamma.at[i]; });
        store<W>(a.dx + at, dx, a.accumulate);
    }
}

KERNEL __launch_bounds__(256) batch_norm_moments_narrow(const Moments a) { batch_norm_moments<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_moments_wide(const Moments a) { batch_norm_moments<4>(a); }
KERNEL __launch_bounds__(256) batch_norm_narrow(const BatchNorm a) { batch_norm<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_wide(const BatchNorm a) { batch_norm<4>(a); }
KERNEL __launch_bounds__(256) batch_norm_gradient_narrow(const BatchNormGradient a) { batch_norm_gradient<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_gradient_wide(const BatchNormGradient a) { batch_norm_gradient<4>(a); }
