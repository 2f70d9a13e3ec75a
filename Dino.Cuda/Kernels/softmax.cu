// Softmax and log-softmax of rows, forward and backward. A row that holds NaN or +inf, or nothing but -inf, becomes NaN through inf - inf, as in torch.
// 4 ulp of each probability beside the rounding of x - max.
#include "math.cuh"
#include "rows.cuh"

struct Softmax {
    const float* x;
    float* y;
    i64 rows;
    i32 columns;
};

// The largest element of a row, NaNs passed over, and Σ e^(x - largest), which they spoil.
struct Normaliser {
    float largest, sum;
};

// A row in registers: its largest, then the sum; the exponentials may take the row's place.
template <bool Keeps, class Group, int W, int S>
__device__ __forceinline__ Normaliser normaliser_held(Row<Group, W, S>& x, int columns) {
    float largest = -Infinity;
    each<Group, W, S>(columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column);
        each_of<W>([&](int i) { largest = max(largest, p.at[i]); });
    });
    largest = Group::template over<Largest>(largest);
    Piece<W> sum = {};
    each<Group, W, S>(columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column);
        each_of<W>([&](int i) { sum.at[i] += p.at[i] = exp(p.at[i] - largest); });
        if constexpr (Keeps)
            x.keep(slot, p);
    });
    return {largest, Group::template over<Sum>(sum_of<W>(sum))};
}

// A row in memory, in one pass: each thread's sum refers to the largest that it has seen. Where that is -inf it refers to 0 instead, for the sum
// to be 0 and not NaN: other threads may have seen more.
template <class Group, int W, int S>
__device__ __forceinline__ Normaliser normaliser_read(const Row<Group, W, S>& x, int columns) {
    float mine = -Infinity, sum = 0.f;
    each<Group, W, S>(columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column);
        float before = mine;
        each_of<W>([&](int i) { mine = max(mine, p.at[i]); });
        float base = mine == -Infinity ? 0.f : mine;
        sum *= exp(before - base);
        each_of<W>([&](int i) { p.at[i] = exp(p.at[i] - base); });
        sum += sum_of<W>(p);
    });
    float largest = Group::template over<Largest>(mine);
    float base = largest == -Infinity ? 0.f : largest;
    return {largest, Group::template over<Sum>(sum * exp(mine - base))};
}

template <class Group, int W, int S>
__device__ __forceinline__ void softmax(const Softmax& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> x(a.x + row * a.columns, a.columns);
    Normaliser n;
    if constexpr (S > 0)
        n = normaliser_held<true>(x, a.columns);
    else
        n = normaliser_read(x, a.columns);
    float share = 1.f / n.sum;
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> y = x(slot, column);
        each_of<W>([&](int i) { y.at[i] = (S > 0 ? y.at[i] : exp(y.at[i] - n.largest)) * share; });
        store<W>(a.y + row * a.columns + column, y);
    });
}

template <class Group, int W, int S>
__device__ __forceinline__ void log_softmax(const Softmax& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> x(a.x + row * a.columns, a.columns);
    Normaliser n;
    if constexpr (S > 0)
        n = normaliser_held<false>(x, a.columns);
    else
        n = normaliser_read(x, a.columns);
    float logarithm = log(n.sum);
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> y = x(slot, column);
        each_of<W>([&](int i) { y.at[i] = y.at[i] - n.largest - logarithm; });
        store<W>(a.y + row * a.columns + column, y);
    });
}

struct SoftmaxGradient {
    const float* y;
    const float* dy;
    float* dx;
    i64 rows;
    i32 columns;
    i32 accumulate;
};

// dx = y (dy - Σ y dy). dx may be dy.
template <class Group, int W, int S>
__device__ __forceinline__ void softmax_gradient(const SoftmaxGradient& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> y(a.y + row * a.columns, a.columns), dy(a.dy + row * a.columns, a.columns);
    float along = Group::template over<Sum>(dot(y, dy, a.columns));
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> p = y(slot, column), d = dy(slot, column);
        each_of<W>([&](int i) { d.at[i] = p.at[i] * (d.at[i] - along); });
        store<W>(a.dx + row * a.columns + column, d, a.accumulate);
    });
}

// dx = dy - e^y Σ dy. dx may be dy.
template <class Group, int W, int S>
__device__ __forceinline__ void log_softmax_gradient(const SoftmaxGradient& a) {
    i64 row = Group::row();
    if (row >= a.rows)
        return;
    Row<Group, W, S> y(a.y + row * a.columns, a.columns), dy(a.dy + row * a.columns, a.columns);
    float sum = Group::template over<Sum>(dy.sum(a.columns, [](float v) { return v; }));
    each<Group, W, S>(a.columns, [&](int slot, int column) {
        Piece<W> p = y(slot, column), d = dy(slot, column);
        each_of<W>([&](int i) { d.at[i] = fma(-exp(p.at[i]), sum, d.at[i]); });
        store<W>(a.dx + row * a.columns + column, d, a.accumulate);
    });
}

ROW_KERNELS(softmax, Softmax)
ROW_KERNELS(log_softmax, Softmax)
ROW_KERNELS(softmax_gradient, SoftmaxGradient)
ROW_KERNELS(log_softmax_gradient, SoftmaxGradient)
