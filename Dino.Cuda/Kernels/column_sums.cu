// dgamma = Σ dy u and dbeta = Σ dy over the rows of [R, C], u the normalised x of a layer norm or of a batch norm. Tiles of rows leave partial sums
// [tiles, 2, C]; a second kernel adds those of all tiles, in an order that depends on their number alone.
#include "columns.cuh"
#include "math.cuh"

struct Sums {
    const float* x;
    const void* dy;
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

// dy has elements Y.
template <int W, template <int> class Moments, class Y = float>
__device__ __forceinline__ void partial_sums(const Sums& a) {
    __shared__ Both<W> scratch[256];
    Place<W> p(a.tiling, block_x());
    Moments<W> moments(a, p.inside ? p.column : 0);
    Both<W> mine = {};
    auto both = [&](i64 row) {
        i64 at = row * a.tiling.columns + p.column;
        return Both<W>{load<W>(a.x + at), load<W>((const Y*)a.dy + at)};
    };
    each_row(p.row, p.last, p.groups, both, [&](const Both<W>& xdy, i64 row) {
        Piece<W> u = moments.normalise(xdy.first, row);
        each_of<W>([&](int i) { mine.first.at[i] = fma(xdy.second.at[i], u.at[i], mine.first.at[i]); });
        mine.second = plus(mine.second, xdy.second);
    });
    mine = over_groups(mine, p.group, p.groups, p.lanes, scratch, [](const Both<W>& x, const Both<W>& y) {
        return Both<W>{plus(x.first, y.first), plus(x.second, y.second)};
    });
    if (p.group == 0 && p.inside) {
        float* partial = a.partials + p.tile * 2 * a.tiling.columns + p.column;
        store<W>(partial, mine.first);
        store<W>(partial + a.tiling.columns, mine.second);
    }
}

KERNEL __launch_bounds__(256) layer_norm_sums_narrow(const Sums a) { partial_sums<1, LayerMoments>(a); }
KERNEL __launch_bounds__(256) layer_norm_sums_wide(const Sums a) { partial_sums<4, LayerMoments>(a); }
KERNEL __launch_bounds__(256) layer_norm_inner_sums_narrow(const Sums a) { partial_sums<1, LayerMoments, u16>(a); }
KERNEL __launch_bounds__(256) layer_norm_inner_sums_wide(const Sums a) { partial_sums<4, LayerMoments, u16>(a); }
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
    __shared__ float scratch[1024];
    Place<1> p(a.tiling, block_x());
    float sum = sum_of_rows(p.row, p.last, p.groups, [&](i64 row) { return a.partials[row * a.tiling.columns + p.column]; });
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
