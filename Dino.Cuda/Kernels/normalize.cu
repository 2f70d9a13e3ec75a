// Rows scaled by their norms [R], and the gradients of that. Sums are F32: 32 additions in a chain at most for rows up to 4096, then a tree.
#include "math.cuh"
#include "rows.cuh"

struct Scaled {
    const float* x;
    const float* g;
    float* y;
    float* norms;
    i64 rows;
    i32 columns;
    float epsilon;
};

// y = x · factor(‖x‖).
template <class Group, int W, int S, class F>
__device__ __forceinline__ void scale(const Scaled& a, F factor) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> x(a.x + row * a.columns, a.columns);
    float norm = sqrt(Group::template over<Sum>(x.sum(a.columns, [](float v) { return v * v; })));
    if (Group::rank() == 0)
        a.norms[row] = norm;
    float scale = factor(row, norm);
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> y = x(slot, column);
        each_of<W>([&](int i) { y.at[i] *= scale; });
        store<W>(a.y + row * a.columns + column, y);
    });
}

// y = x / max(‖x‖, epsilon); a norm that is NaN stays.
template <class Group, int W, int S>
__device__ __forceinline__ void normalize(const Scaled& a) {
    scale<Group, W, S>(a, [&](i64, float norm) { return 1.f / (norm < a.epsilon ? a.epsilon : norm); });
}

// w = g · v / ‖v‖.
template <class Group, int W, int S>
__device__ __forceinline__ void weight_norm(const Scaled& a) {
    scale<Group, W, S>(a, [&](i64 row, float norm) { return a.g[row] / norm; });
}

struct ScaledGradient {
    const float* x;
    const float* g;
    const float* norms;
    const float* dy;
    float* dx;
    float* dg;
    i64 rows;
    i32 columns;
    float epsilon;
    i32 accumulate_x;
    i32 accumulate_g;
};

// dx = scale (dy - x · along). dx may be dy.
template <class Group, int W, int S>
__device__ __forceinline__ void project_out(const ScaledGradient& a, i64 row, const Row<Group, W, S>& x, const Row<Group, W, S>& dy, float along, float scale) {
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column), d = dy(slot, column);
        each_of<W>([&](int i) { d.at[i] = fma(-p.at[i], along, d.at[i]) * scale; });
        store<W>(a.dx + row * a.columns + column, d, a.accumulate_x);
    });
}

// dx = (dy - y (y · dy)) / norm, where x is y; a clamped norm is a constant, and nothing is projected out.
template <class Group, int W, int S>
__device__ __forceinline__ void normalize_gradient(const ScaledGradient& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> y(a.x + row * a.columns, a.columns), dy(a.dy + row * a.columns, a.columns);
    float norm = a.norms[row], along = Group::template over<Sum>(dot(y, dy, a.columns));
    bool clamped = norm < a.epsilon;
    project_out(a, row, y, dy, clamped ? 0.f : along, 1.f / (clamped ? a.epsilon : norm));
}

// With u = v / ‖v‖: dg = u · dw and dv = g / ‖v‖ (dw - u dg), where x is v and dy is dw.
template <class Group, int W, int S>
__device__ __forceinline__ void weight_norm_gradient(const ScaledGradient& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> v(a.x + row * a.columns, a.columns), dw(a.dy + row * a.columns, a.columns);
    float norm = a.norms[row], dg = Group::template over<Sum>(dot(v, dw, a.columns)) / norm;
    if (a.dg && Group::rank() == 0)
        a.dg[row] = a.accumulate_g ? a.dg[row] + dg : dg;
    if (a.dx)
        project_out(a, row, v, dw, dg / norm, a.g[row] / norm);
}

ROW_KERNELS(normalize, Scaled)
ROW_KERNELS(weight_norm, Scaled)
ROW_KERNELS(normalize_gradient, ScaledGradient)
ROW_KERNELS(weight_norm_gradient, ScaledGradient)
