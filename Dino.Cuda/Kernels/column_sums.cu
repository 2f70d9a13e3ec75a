// dgamma = Σ dy u and dbeta = Σ dy over the rows of [R, C], u the normalised x of a layer norm or of a batch norm. Tiles of rows leave partial sums
// [tiles, 2, C]; a second kernel adds those of all tiles, in an order that depends on their number alone.
#include "columns.cuh"
#include "math.cuh"

struct Sums {
    const float* x;
    const float* dy;
    const float* mean;
    // The reciprocal deviation for a layer norm, the variance for a batch norm.
    const float* spread;
    float* partials;
    Tiling tiling;
    float epsilon;
};

// Mean and deviation belong to a row.
template <int W>
struct LayerMoments {
    const float* mean;
    const float* rstd;

    __device__ __forceinline__ LayerMoments(const Sums& a, int) : mean(a.mean), rstd(a.spread) {}

    __device__ __forceinline__ Piece<W> normalise(Piece<W> x, i64 row) const {
        float centre = mean[row], scale = rstd[row];
        each_of<W>([&](int i) { x.at[i] = (x.at[i] - centre) * scale; });
        return x;
    }
};

// Mean and deviation belong to a column.
template <int W>
struct BatchMoments {
    Piece<W> mean, rstd;

    __device__ __forceinline__ BatchMoments(const Sums& a, int column) : mean(load<W>(a.mean + column)), rstd(load<W>(a.spread + column)) {
        each_of<W>([&](int i) { rstd.at[i] = 1.f / sqrt(rstd.at[i] + a.epsilon); });
    }

    __device__ __forceinline__ Piece<W> normalise(Piece<W> x, i64) const {
        each_of<W>([&](int i) { x.at[i] = (x.at[i] - mean.at[i]) * rstd.at[i]; });
        return x;
    }
};

template <int W>
struct Both {
    Piece<W> along, sum;
};

template <int W, template <int> class Moments>
__device__ __forceinline__ void partial_sums(const Sums& a) {
    alignas(16) __shared__ Both<W> scratch[256];
    Place<W> p(a.tiling, block_x());
    Moments<W> moments(a, p.inside ? p.column : 0);
    Both<W> mine = {};
#pragma unroll 4
    for (i64 row = p.row; row < p.last; row += p.groups) {
        i64 at = row * a.tiling.columns + p.column;
        Piece<W> dy = load<W>(a.dy + at), u = moments.normalise(load<W>(a.x + at), row);
        each_of<W>([&](int i) { mine.along.at[i] = fma(dy.at[i], u.at[i], mine.along.at[i]); });
        mine.sum = plus(mine.sum, dy);
    }
    mine = over_groups(mine, p.group, p.groups, p.lanes, scratch, [](const Both<W>& x, const Both<W>& y) {
        return Both<W>{plus(x.along, y.along), plus(x.sum, y.sum)};
    });
    if (p.group == 0 && p.inside) {
        float* partial = a.partials + p.tile * 2 * a.tiling.columns + p.column;
        store<W>(partial, mine.along);
        store<W>(partial + a.tiling.columns, mine.sum);
    }
}

KERNEL __launch_bounds__(256) layer_norm_sums_narrow(const Sums a) { partial_sums<1, LayerMoments>(a); }
KERNEL __launch_bounds__(256) layer_norm_sums_wide(const Sums a) { partial_sums<4, LayerMoments>(a); }
KERNEL __launch_bounds__(256) batch_norm_sums_narrow(const Sums a) { partial_sums<1, BatchMoments>(a); }
KERNEL __launch_bounds__(256) batch_norm_sums_wide(const Sums a) { partial_sums<4, BatchMoments>(a); }

struct Fold {
    const float* partials;
    // Each may be absent; total is [2, C].
    float* total;
    float* dgamma;
    float* dbeta;
    // The partial sums as a matrix [tiles, 2 C], in one tile.
    Tiling tiling;
    i32 accumulate_gamma;
    i32 accumulate_beta;
};

KERNEL __launch_bounds__(1024) fold_sums(const Fold a) {
    // Chains of 16 additions, then a chain of those sums, then a tree.
    constexpr int run = 16;
    __shared__ float scratch[1024];
    Place<1> p(a.tiling, block_x());
    float sum = 0.f;
    for (i64 start = p.row; start < p.last; start += run * p.groups) {
        float part = 0.f;
#pragma unroll
        for (int i = 0; i < run; i++) {
            i64 row = start + i * p.groups;
            if (row < p.last)
                part += a.partials[row * a.tiling.columns + p.column];
        }
        sum += part;
    }
    sum = over_groups(sum, p.group, p.groups, p.lanes, scratch, [](float x, float y) { return x + y; });
    if (p.group > 0 || !p.inside)
        return;
    if (a.total)
        a.total[p.column] = sum;
    int columns = a.tiling.columns / 2;
    bool isBeta = p.column >= columns;
    float* gradient = isBeta ? a.dbeta : a.dgamma;
    if (gradient) {
        int column = isBeta ? p.column - columns : p.column;
        gradient[column] = (isBeta ? a.accumulate_beta : a.accumulate_gamma) ? gradient[column] + sum : sum;
    }
}
