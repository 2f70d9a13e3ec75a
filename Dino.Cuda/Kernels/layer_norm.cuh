// Layer normalisation of rows [R, C] and its gradients. Deviations are taken from the rounded mean, and what that is off by is taken out of the
// variance and of y: a small variance beside a large mean keeps the digits that x has.
#pragma once
#include "columns.cuh"
#include "math.cuh"

struct LayerNorm {
    const float* x;
    const float* gamma;
    const float* beta;
    void* y;
    float* mean;
    float* rstd;
    i64 rows;
    i32 columns;
    float epsilon;
    // 1 / C.
    float share;
};

// y = (x - mean) · rstd · gamma + beta, of elements Y.
template <class Group, int W, int S, class Y = float>
__device__ __forceinline__ void layer_norm(const LayerNorm& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> x(a.x + row * a.columns, a.columns);
    float centre = Group::template over<Sum>(x.sum(a.columns, [](float v) { return v; })) * a.share;
    Piece<W> sum = {}, squares = {};
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column);
        each_of<W>([&](int i) {
            float deviation = p.at[i] - centre;
            sum.at[i] += deviation;
            squares.at[i] = fma(deviation, deviation, squares.at[i]);
        });
    });
    Two sums = Group::sums({sum_of<W>(sum), sum_of<W>(squares)});
    float shift = sums.first * a.share, variance = fma(-shift, sums.first, sums.second) * a.share;
    // Not max, which would turn a NaN into 0.
    variance = variance < 0.f ? 0.f : variance;
    float rstd = 1.f / sqrt(variance + a.epsilon);
    if (Group::rank() == 0) {
        a.mean[row] = centre + shift;
        a.rstd[row] = rstd;
    }
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column), gamma = load_or<W>(a.gamma, column, 1.f), beta = load_or<W>(a.beta, column, 0.f);
        each_of<W>([&](int i) { p.at[i] = fma((p.at[i] - centre - shift) * rstd, gamma.at[i], beta.at[i]); });
        store<W>((Y*)a.y + row * a.columns + column, p);
    });
}

struct LayerNormGradient {
    const float* x;
    const float* gamma;
    const float* mean;
    const float* rstd;
    const void* dy;
    float* dx;
    // What tiles of rows leave of dgamma and dbeta, [tiles, 2, C].
    float* partials;
    i64 rows;
    i32 columns;
    i32 accumulate;
    float share;
    // Rows that a warp takes one after the other.
    i32 warp_rows;
};

// dx = rstd (g - mean(g) - u mean(g u)) of one row, with g = gamma dy and u = (x - mean) rstd; f(slot, i, dy, u) for each element. dy has elements Y.
template <class Group, int W, int S, class Y, class Gamma, class F>
__device__ __forceinline__ void layer_norm_row(const LayerNormGradient& a, i64 row, Gamma gamma_at, F f) {
    Row<Group, W, S> x(a.x + row * a.columns, a.columns);
    Row<Group, W, S, Y> dy((const Y*)a.dy + row * a.columns, a.columns);
    float mean = a.mean[row], rstd = a.rstd[row];
    Piece<W> sum = {}, along = {};
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> u = x(slot, column), g = dy(slot, column), gamma = gamma_at(slot, column);
        each_of<W>([&](int i) {
            u.at[i] = (u.at[i] - mean) * rstd;
            f(slot, i, g.at[i], u.at[i]);
            g.at[i] *= gamma.at[i];
            sum.at[i] += g.at[i];
            along.at[i] = fma(g.at[i], u.at[i], along.at[i]);
        });
        if constexpr (S > 0) {
            x.keep(slot, u);
            dy.keep(slot, g);
        }
    });
    Two sums = Group::sums({sum_of<W>(sum), sum_of<W>(along)});
    float average = sums.first * a.share, slope = sums.second * a.share;
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> u = x(slot, column), g = dy(slot, column);
        if constexpr (S == 0) {
            Piece<W> gamma = gamma_at(slot, column);
            each_of<W>([&](int i) {
                u.at[i] = (u.at[i] - mean) * rstd;
                g.at[i] *= gamma.at[i];
            });
        }
        each_of<W>([&](int i) { g.at[i] = (g.at[i] - average - u.at[i] * slope) * rstd; });
        store<W>(a.dx + row * a.columns + column, g, a.accumulate);
    });
}

template <class Group, int W, int S, class Y = float>
__device__ __forceinline__ void layer_norm_gradient(const LayerNormGradient& a) {
    i64 row = Group::row();
    if (row < a.rows)
        layer_norm_row<Group, W, S, Y>(a, row, [&](int, int column) { return load_or<W>(a.gamma, column, 1.f); }, [](int, int, float, float) {});
}

// dx, and what the rows of this block leave of dgamma and dbeta: a lane sees the same columns of every row, whose sums stay in its registers.
template <int S, class Y = float>
__device__ __forceinline__ void layer_norm_gradients(const LayerNormGradient& a) {
    constexpr int width = S * WarpSize * 4;
    alignas(16) __shared__ float total[2][width];
    Piece<4> gamma[S], dgamma[S] = {}, dbeta[S] = {};
    each<WarpGroup, 4, S>(a.columns, [&](int slot, int column) { gamma[slot] = load_or<4>(a.gamma, column, 1.f); });
    int warps = (int)block_threads() / WarpSize;
    i64 first = (i64)block_x() * warps * a.warp_rows + warp(), last = min(a.rows, first + (i64)warps * a.warp_rows);
    for (i64 row = first; row < last; row += warps)
        layer_norm_row<WarpGroup, 4, S, Y>(a, row, [&](int slot, int) { return gamma[slot]; }, [&](int slot, int i, float dy, float u) {
            dgamma[slot].at[i] = fma(dy, u, dgamma[slot].at[i]);
            dbeta[slot].at[i] += dy;
        });

    // The warps add theirs in turn, the first one last: that one has the sums, and writes them.
    for (int turn = warps - 1; turn >= 0; turn--) {
        if ((int)warp() == turn)
            each<WarpGroup, 4, S>(a.columns, [&](int slot, int column) {
                if (turn < warps - 1) {
                    dgamma[slot] = plus(dgamma[slot], load<4>(&total[0][column]));
                    dbeta[slot] = plus(dbeta[slot], load<4>(&total[1][column]));
                }
                if (turn > 0) {
                    store<4>(&total[0][column], dgamma[slot]);
                    store<4>(&total[1][column], dbeta[slot]);
                }
            });
        barrier();
    }
    if (warp() > 0)
        return;
    float* partial = a.partials + (i64)block_x() * 2 * a.columns;
    each<WarpGroup, 4, S>(a.columns, [&](int slot, int column) {
        store<4>(partial + column, dgamma[slot]);
        store<4>(partial + a.columns + column, dbeta[slot]);
    });
}
