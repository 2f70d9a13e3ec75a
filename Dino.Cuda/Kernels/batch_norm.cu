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
    __shared__ Piece<W> scratch[256];
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
    __shared__ float scratch[1024];
    Place<1> p(a.tiling, block_x());
    const float* column = a.partials + p.column;
    auto add_up = [&](auto term) {
        float sum = sum_of_rows(p.row, p.last, p.groups, [&](i64 tile) {
            return term(column + tile * 2 * a.tiling.columns, (float)min(a.rows - tile * a.tile_rows, (i64)a.tile_rows));
        });
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
    auto x = [&](i64 row) { return load<W>(a.x + row * a.tiling.columns + p.column); };
    each_row(p.row, p.last, p.groups, x, [&](Piece<W> y, i64 row) {
        each_of<W>([&](int i) { y.at[i] = fma(y.at[i] - mean.at[i], scale.at[i], beta.at[i]); });
        store<W>(a.y + row * a.tiling.columns + p.column, y);
    });
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
    auto both = [&](i64 row) {
        i64 at = row * a.tiling.columns + p.column;
        return Both<W>{load<W>(a.x + at), load<W>(a.dy + at)};
    };
    each_row(p.row, p.last, p.groups, both, [&](Both<W> xdy, i64 row) {
        each_of<W>([&](int i) {
            float& dx = xdy.second.at[i];
            dx = (dx - average.at[i] - (xdy.first.at[i] - mean.at[i]) * along.at[i]) * gamma.at[i];
        });
        store<W>(a.dx + row * a.tiling.columns + p.column, xdy.second, a.accumulate);
    });
}

KERNEL __launch_bounds__(256) batch_norm_moments_narrow(const Moments a) { batch_norm_moments<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_moments_wide(const Moments a) { batch_norm_moments<4>(a); }
KERNEL __launch_bounds__(256) batch_norm_narrow(const BatchNorm a) { batch_norm<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_wide(const BatchNorm a) { batch_norm<4>(a); }
KERNEL __launch_bounds__(256) batch_norm_gradient_narrow(const BatchNormGradient a) { batch_norm_gradient<1>(a); }
KERNEL __launch_bounds__(256) batch_norm_gradient_wide(const BatchNormGradient a) { batch_norm_gradient<4>(a); }
