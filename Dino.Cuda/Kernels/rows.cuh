// Rows of a matrix [rows, columns], each the work of a group of threads: a warp, or a block where rows are long.
#pragma once
#include "quads.cuh"
#include "reduce.cuh"

// W neighbours of a row: 4 where every row begins on 16 bytes (8 where its elements are brain floats), else 1.
template <int W>
struct alignas(W * sizeof(float)) Piece {
    float at[W];
};

template <int W>
__device__ __forceinline__ Piece<W> load(const float* x) {
    Piece<W> piece;
    if constexpr (W == 4) {
        float4 all = *(const float4*)x;
        piece.at[0] = all.x, piece.at[1] = all.y, piece.at[2] = all.z, piece.at[3] = all.w;
    } else {
        piece.at[0] = *x;
    }
    return piece;
}

template <int W>
__device__ __forceinline__ Piece<W> load(const u16* x) {
    Piece<W> piece;
    if constexpr (W == 4) {
        TwoWords all = *(const TwoWords*)x;
        piece.at[0] = low_half(all.x), piece.at[1] = high_half(all.x), piece.at[2] = low_half(all.y), piece.at[3] = high_half(all.y);
    } else {
        piece.at[0] = load_single(x);
    }
    return piece;
}

// The row, or a constant where there is none.
template <int W>
__device__ __forceinline__ Piece<W> load_or(const float* x, int column, float constant) {
    if (x)
        return load<W>(x + column);
    Piece<W> piece;
#pragma unroll
    for (int i = 0; i < W; i++)
        piece.at[i] = constant;
    return piece;
}

template <int W>
__device__ __forceinline__ void store(float* y, const Piece<W>& piece) {
    if constexpr (W == 4)
        *(float4*)y = float4{piece.at[0], piece.at[1], piece.at[2], piece.at[3]};
    else
        *y = piece.at[0];
}

template <int W>
__device__ __forceinline__ void store(u16* y, const Piece<W>& piece) {
    if constexpr (W == 4)
        store_quad(y, float4{piece.at[0], piece.at[1], piece.at[2], piece.at[3]});
    else
        store_single(y, piece.at[0]);
}

// Overwrites a gradient, or adds to it.
template <int W>
__device__ __forceinline__ void store(float* y, Piece<W> piece, bool accumulate) {
    if (accumulate) {
        Piece<W> before = load<W>(y);
#pragma unroll
        for (int i = 0; i < W; i++)
            piece.at[i] += before.at[i];
    }
    store<W>(y, piece);
}

// Each i of a piece; f is inlined, and its indices are constants.
template <int W, class F>
__device__ __forceinline__ void each_of(F f) {
#pragma unroll
    for (int i = 0; i < W; i++)
        f(i);
}

template <int W>
__device__ __forceinline__ float sum_of(const Piece<W>& x) {
    if constexpr (W == 4)
        return (x.at[0] + x.at[1]) + (x.at[2] + x.at[3]);
    else
        return x.at[0];
}

struct Two {
    float first, second;
};

struct WarpGroup {
    static __device__ __forceinline__ int rank() { return (int)lane(); }
    static __device__ __forceinline__ int threads() { return WarpSize; }
    // The rows of a block follow each other.
    static __device__ __forceinline__ i64 row() { return (i64)block_x() * (block_threads() / WarpSize) + warp(); }

    template <class Operator>
    static __device__ __forceinline__ float over(float x) { return over_warp<Operator>(x); }

    static __device__ __forceinline__ Two sums(Two x) { return {over_warp<Sum>(x.first), over_warp<Sum>(x.second)}; }
};

struct BlockGroup {
    static __device__ __forceinline__ int rank() { return (int)thread_x(); }
    static __device__ __forceinline__ int threads() { return (int)block_threads(); }
    static __device__ __forceinline__ i64 row() { return block_x(); }

    template <class Operator>
    static __device__ __forceinline__ float over(float x) {
        __shared__ float scratch[WarpSize];
        return over_block<Operator>(x, scratch);
    }

    // Two sums for the barriers of one.
    static __device__ __forceinline__ Two sums(Two x) {
        __shared__ Two scratch[WarpSize];
        x = WarpGroup::sums(x);
        barrier();
        if (lane() == 0)
            scratch[warp()] = x;
        barrier();
        return WarpGroup::sums(lane() < block_threads() / WarpSize ? scratch[lane()] : Two{0.f, 0.f});
    }
};

// f(slot, column) for each piece of a row that is this thread's. With S slots a thread has S pieces at most, and slot is a constant; with
// none it walks, and slot is 0. Neighbouring threads have neighbouring pieces, always the same ones: y may be x.
template <class Group, int W, int S, class F>
__device__ __forceinline__ void each(int columns, F f) {
    if constexpr (S > 0) {
#pragma unroll
        for (int slot = 0; slot < S; slot++) {
            int column = (slot * Group::threads() + Group::rank()) * W;
            if (column < columns)
                f(slot, column);
        }
    } else {
        int column = Group::rank() * W, step = Group::threads() * W;
        // Two at a time without a branch between them, so that their loads are under way together.
        for (; columns - column > step; column += 2 * step) {
            f(0, column);
            f(0, column + step);
        }
        if (column < columns)
            f(0, column);
    }
}

// A row, held in registers where there are slots for it; otherwise read every time, from the cache but for the first.
template <class Group, int W, int S, class Element = float>
class Row {
    const Element* _start;
    Piece<W> _held[S > 0 ? S : 1];

public:
    __device__ __forceinline__ Row(const Element* start, int columns) : _start(start) {
        if constexpr (S > 0)
            each<Group, W, S>(columns, [&](int slot, int column) { _held[slot] = load<W>(start + column); });
    }

    __device__ __forceinline__ Piece<W> operator()(int slot, int column) const {
        if constexpr (S > 0)
            return _held[slot];
        else
            return load<W>(_start + column);
    }

    // Another piece in place of the one held.
    __device__ __forceinline__ void keep(int slot, const Piece<W>& piece) {
        static_assert(S > 0);
        _held[slot] = piece;
    }

    // This thread's part of Σ f(x), in W chains that are joined last.
    template <class F>
    __device__ __forceinline__ float sum(int columns, F f) const {
        Piece<W> total = {};
        each<Group, W, S>(columns, [&](int slot, int column) {
            Piece<W> x = (*this)(slot, column);
            each_of<W>([&](int i) { total.at[i] += f(x.at[i]); });
        });
        return sum_of<W>(total);
    }
};

// This thread's part of Σ x y.
template <class Group, int W, int S>
__device__ __forceinline__ float dot(const Row<Group, W, S>& x, const Row<Group, W, S>& y, int columns) {
    Piece<W> total = {};
    each<Group, W, S>(columns, [&](int slot, int column) {
        Piece<W> p = x(slot, column), q = y(slot, column);
        each_of<W>([&](int i) { total.at[i] = fma(p.at[i], q.at[i], total.at[i]); });
    });
    return sum_of<W>(total);
}

// The usual kernels of an operation on rows: rows of up to 1024 columns by warps (in registers where they begin on 16 bytes), longer ones by blocks.
#define ROW_KERNELS(name, Arguments) \
    KERNEL __launch_bounds__(256) name##_warp(const Arguments a) { name<WarpGroup, 1, 0>(a); } \
    KERNEL __launch_bounds__(256) name##_warp_wide(const Arguments a) { name<WarpGroup, 4, 8>(a); } \
    KERNEL __launch_bounds__(1024) name##_block(const Arguments a) { name<BlockGroup, 1, 0>(a); } \
    KERNEL __launch_bounds__(1024) name##_block_wide(const Arguments a) { name<BlockGroup, 4, 0>(a); }
