// Reductions of the middle axis of x [outer, n, inner]. Nothing is ever added in an order that depends on which thread is first, and no chain of
// additions is longer than 256 before a tree joins them: the error of a sum grows like log n.
#include "columns.cuh"
#include "order.cuh"

// An operator has inputs, a state that they enter one by one, and an output.
struct Plus {
    using Input = float;
    using State = float;
    static constexpr float identity = 0.f;
    static __device__ __forceinline__ float enter(float state, float x, i64) { return state + x; }
    static __device__ __forceinline__ float join(float a, float b) { return a + b; }
};

// Of brain floats.
struct PlusInner : Plus {
    using Input = u16;
};

struct PlusSquare : Plus {
    static __device__ __forceinline__ float enter(float state, float x, i64) { return fma(x, x, state); }
};

struct PlusMagnitude : Plus {
    static __device__ __forceinline__ float enter(float state, float x, i64) { return state + __builtin_fabsf(x); }
};

// A NaN, once in, stays; subnormal numbers are kept apart.
struct Maximum : Plus {
    static constexpr float identity = -Infinity;
    static __device__ __forceinline__ float join(float a, float b) { return __nvvm_fmax_nan_f(a, b); }
    static __device__ __forceinline__ float enter(float state, float x, i64) { return join(state, x); }
};

struct Minimum : Plus {
    static constexpr float identity = Infinity;
    static __device__ __forceinline__ float join(float a, float b) { return __nvvm_fmin_nan_f(a, b); }
    static __device__ __forceinline__ float enter(float state, float x, i64) { return join(state, x); }
};

// The place of the first one of the best.
struct Best {
    using Input = u64;
    using State = u64;
    static constexpr u64 identity = 0;
    static __device__ __forceinline__ u64 join(u64 a, u64 b) { return a > b ? a : b; }
    static __device__ __forceinline__ u64 enter(u64 state, u64 x, i64) { return join(state, x); }
};

struct BestLarge : Best {
    using Input = float;
    static __device__ __forceinline__ u64 enter(u64 state, float x, i64 index) { return join(state, ranked(rank_of(x), (u32)index)); }
};

struct BestSmall : Best {
    using Input = float;
    static __device__ __forceinline__ u64 enter(u64 state, float x, i64 index) { return join(state, ranked(reverse_rank_of(x), (u32)index)); }
};

// An input as it enters a state.
__device__ __forceinline__ float entry(float x) { return x; }
__device__ __forceinline__ u64 entry(u64 x) { return x; }
__device__ __forceinline__ float entry(u16 x) { return load_single(&x); }

// What becomes of a result.
enum Target : i32 {
    Partial, // it is left as a state, for another pass
    Overwrite,
    Accumulate,
};

__device__ __forceinline__ void put(void* y, i64 at, float state, i32 target) {
    float* values = (float*)y;
    values[at] = target == Accumulate ? values[at] + state : state;
}

__device__ __forceinline__ void put(void* y, i64 at, u64 state, i32 target) {
    if (target == Partial)
        ((u64*)y)[at] = state;
    else
        ((i32*)y)[at] = (i32)index_of(state);
}

struct ReduceRows {
    const void* x;
    void* y;
    i64 rows;
    i64 n;
    // A row is cut into chunks that each give a result.
    i64 chunk;
    i32 chunks;
    // Threads that share a chunk: 2^lane_bits, some of a warp or the whole block.
    i32 lane_bits;
    // Whether every chunk begins on 16 bytes (8 of brain floats) and ends there.
    i32 wide;
    i32 target;
};

template <class Op>
__device__ __forceinline__ void reduce_rows(const ReduceRows& a) {
    using State = typename Op::State;
    using Input = typename Op::Input;
    __shared__ State scratch[WarpSize];
    int lanes = 1 << a.lane_bits, rank = (int)thread_x() & (lanes - 1);
    i64 item = walk_start() >> a.lane_bits, row = item / a.chunks, first = (item - row * a.chunks) * a.chunk;
    i64 count = row < a.rows ? min(a.chunk, a.n - first) : 0;
    const Input* x = (const Input*)a.x + row * a.n + first;
    State s[4] = {Op::identity, Op::identity, Op::identity, Op::identity};
    bool wide = false;
    if constexpr (sizeof(Input) <= sizeof(float))
        if (a.wide) {
            wide = true;
            each_row(rank, count / 4, lanes, [&](i64 i) { return load<4>(x + i * 4); }, [&](const Piece<4>& p, i64 i) {
                each_of<4>([&](int k) { s[k] = Op::enter(s[k], p.at[k], first + i * 4 + k); });
            });
        }
    if (!wide)
        for (i64 i = rank; i < count; i += lanes * 4)
            each_of<4>([&](int k) {
                i64 at = i + k * lanes;
                if (at < count)
                    s[k] = Op::enter(s[k], entry(x[at]), first + at);
            });
    State all = Op::join(Op::join(s[0], s[1]), Op::join(s[2], s[3]));
    for (int mask = min(lanes, WarpSize) / 2; mask > 0; mask /= 2)
        all = Op::join(all, shuffle_xor(all, mask));
    if (lanes > WarpSize) {
        if (lane() == 0)
            scratch[warp()] = all;
        barrier();
        if (rank == 0)
            for (int i = 1; i < lanes / WarpSize; i++)
                all = Op::join(all, scratch[i]);
    }
    if (rank == 0 && row < a.rows)
        put(a.y, item, all, a.target);
}

struct ReduceColumns {
    const void* x;
    void* y;
    // Of one matrix [n, inner]; blocks count tiles, then matrices.
    Tiling tiling;
    i32 tiles;
    i32 target;
};

template <class Op, int W>
struct alignas(W * sizeof(typename Op::State)) States {
    typename Op::State at[W];
};

template <class Op, int W>
__device__ __forceinline__ void reduce_columns(const ReduceColumns& a) {
    using Input = typename Op::Input;
    constexpr int most = W == 1 ? 1024 : 256;
    __shared__ States<Op, W> scratch[most];
    i64 tiles = (i64)a.tiles * a.tiling.column_tiles, matrix = block_x() / tiles;
    Place<W> p(a.tiling, block_x() - matrix * tiles);
    const Input* x = (const Input*)a.x + matrix * a.tiling.rows * a.tiling.columns + p.column;
    States<Op, W> mine;
    each_of<W>([&](int i) { mine.at[i] = Op::identity; });
    auto read = [&](i64 row) {
        if constexpr (W == 4)
            return load<4>(x + row * a.tiling.columns);
        else
            return x[row * a.tiling.columns];
    };
    each_row(p.row, p.last, p.groups, read, [&](auto piece, i64 row) {
        if constexpr (W == 4)
            each_of<4>([&](int i) { mine.at[i] = Op::enter(mine.at[i], piece.at[i], row); });
        else
            mine.at[0] = Op::enter(mine.at[0], entry(piece), row);
    });
    mine = over_groups(mine, p.group, p.groups, p.lanes, scratch, [](States<Op, W> x, const States<Op, W>& y) {
        each_of<W>([&](int i) { x.at[i] = Op::join(x.at[i], y.at[i]); });
        return x;
    });
    if (p.group == 0 && p.inside)
        each_of<W>([&](int i) { put(a.y, (matrix * a.tiles + p.tile) * a.tiling.columns + p.column + i, mine.at[i], a.target); });
}

struct ReduceFew {
    const void* x;
    void* y;
    i64 outer;
    i64 n;
    i64 inner;
    i32 target;
};

// A thread for each result, where that is little work.
template <class Op>
__device__ __forceinline__ void reduce_few(const ReduceFew& a) {
    using Input = typename Op::Input;
    for (i64 at = walk_start(); at < a.outer * a.inner; at += walk_step()) {
        i64 outer = at / a.inner;
        const Input* x = (const Input*)a.x + outer * a.n * a.inner + (at - outer * a.inner);
        typename Op::State state = Op::identity;
        each_row(0, a.n, 1, [&](i64 i) { return x[i * a.inner]; }, [&](Input value, i64 i) { state = Op::enter(state, entry(value), i); });
        put(a.y, at, state, a.target);
    }
}

#define REDUCTION(name, Op) \
    KERNEL __launch_bounds__(256) reduce_rows_##name(const ReduceRows a) { reduce_rows<Op>(a); } \
    KERNEL __launch_bounds__(1024) reduce_columns_##name(const ReduceColumns a) { reduce_columns<Op, 1>(a); } \
    KERNEL __launch_bounds__(256) reduce_few_##name(const ReduceFew a) { reduce_few<Op>(a); }

#define WIDE_REDUCTION(name, Op) \
    REDUCTION(name, Op) \
    KERNEL __launch_bounds__(256) reduce_columns_wide_##name(const ReduceColumns a) { reduce_columns<Op, 4>(a); }

WIDE_REDUCTION(sum, Plus)
WIDE_REDUCTION(sum_inner, PlusInner)
WIDE_REDUCTION(squares, PlusSquare)
WIDE_REDUCTION(magnitudes, PlusMagnitude)
WIDE_REDUCTION(max, Maximum)
WIDE_REDUCTION(min, Minimum)
REDUCTION(arg_max, BestLarge)
REDUCTION(arg_min, BestSmall)
REDUCTION(best, Best)
