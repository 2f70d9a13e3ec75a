// Strided walks: y = x, or y += x in F32, over up to six axes. Elements are moved as integers of their size, so no conversion touches them.
#include "divisor.cuh"

struct Axis {
    i64 stride_x, stride_y;
    Divisor length;
    u32 padding;
};

// The axes are stored from the innermost one; those beyond the rank are not looked at.
struct Walk {
    const u8* x;
    u8* y;
    u32 count, rank;
    Axis axes[6];
};

struct Offsets { i64 x, y; };

// Runs of 8 and 16 bytes as vectors, which are moved whole; structures would be moved in parts.
using Run8 = u32 __attribute__((ext_vector_type(2)));
using Run16 = u32 __attribute__((ext_vector_type(4)));
using Floats4 = float __attribute__((ext_vector_type(4)));

__device__ __forceinline__ Offsets offsets_of(const Walk& w, u32 n) {
    Offsets at = {0, 0};
#pragma unroll
    for (u32 i = 0; i < 6; i++) {
        if (i >= w.rank)
            break;
        i64 position = split(n, w.axes[i].length);
        at.x += position * w.axes[i].stride_x;
        at.y += position * w.axes[i].stride_y;
    }
    return at;
}

struct Overwrite {
    template <class T>
    static __device__ __forceinline__ void store(T x, T* y) { *y = x; }
};

struct Accumulate {
    template <class T>
    static __device__ __forceinline__ void store(T x, T* y) { *y += x; }
};

// Threads walk over elements, or over runs of them that are dense on both sides, innermost axis first: writes of a warp lie together.
template <class T, class Store>
__device__ __forceinline__ void walk(const Walk& w) {
    for (u32 i = (u32)walk_start(); i < w.count; i += (u32)walk_step()) {
        Offsets at = offsets_of(w, i);
        Store::store(((const T*)w.x)[at.x], (T*)w.y + at.y);
    }
}

KERNEL copy_walk_1(const Walk w) { walk<u8, Overwrite>(w); }
KERNEL copy_walk_2(const Walk w) { walk<u16, Overwrite>(w); }
KERNEL copy_walk_4(const Walk w) { walk<u32, Overwrite>(w); }
KERNEL copy_walk_8(const Walk w) { walk<Run8, Overwrite>(w); }
KERNEL copy_walk_16(const Walk w) { walk<Run16, Overwrite>(w); }
KERNEL copy_walk_add_4(const Walk w) { walk<float, Accumulate>(w); }
KERNEL copy_walk_add_16(const Walk w) { walk<Floats4, Accumulate>(w); }

// Elements of y that are visited more than once: one block, whose threads take the innermost axes, on which nothing repeats (repeat_free elements of
// them); the others follow each other in the given order, so that sums are those of one thread and the last of several values stays.
struct Sequence {
    Walk walk;
    u32 repeat_free, padding;
};

template <class T, class Store>
__device__ __forceinline__ void walk_in_order(const Sequence& s) {
    for (u32 start = 0; start < s.walk.count; start += s.repeat_free) {
        for (u32 i = thread_x(); i < s.repeat_free; i += block_threads()) {
            Offsets at = offsets_of(s.walk, start + i);
            Store::store(((const T*)s.walk.x)[at.x], (T*)s.walk.y + at.y);
        }
        barrier();
    }
}

KERNEL copy_sequence_1(const Sequence s) { walk_in_order<u8, Overwrite>(s); }
KERNEL copy_sequence_2(const Sequence s) { walk_in_order<u16, Overwrite>(s); }
KERNEL copy_sequence_4(const Sequence s) { walk_in_order<u32, Overwrite>(s); }
KERNEL copy_sequence_add_4(const Sequence s) { walk_in_order<float, Accumulate>(s); }

// x dense along rows (axis 1), y along columns (axis 0): squares of 32 x 32 turned in shared memory, so that a warp reads and writes runs. A block of
// 256 threads for a square; blocks are numbered with the column tiles innermost.
struct Transposition {
    Walk walk;
    Divisor column_tiles, row_tiles;
};

constexpr u32 Square = 32, SquareRows = 8;

template <class T, class Store>
__device__ __forceinline__ void transpose(const Transposition& t) {
    // One column more than a row has, so that the elements of a column lie in different banks.
    __shared__ T tile[Square][Square + 1];
    u32 panel = block_x();
    u32 column = split(panel, t.column_tiles) * Square, row = split(panel, t.row_tiles) * Square;
    i64 x = 0, y = 0;
#pragma unroll
    for (u32 i = 2; i < 6; i++) {
        if (i >= t.walk.rank)
            break;
        i64 position = split(panel, t.walk.axes[i].length);
        x += position * t.walk.axes[i].stride_x;
        y += position * t.walk.axes[i].stride_y;
    }

    u32 columns = t.walk.axes[0].length.value, rows = t.walk.axes[1].length.value;
    const T* from = (const T*)t.walk.x + x;
    T* to = (T*)t.walk.y + y;
#pragma unroll
    for (u32 i = 0; i < Square; i += SquareRows) {
        u32 r = row + lane(), c = column + i + warp();
        if (r < rows && c < columns)
            tile[i + warp()][lane()] = from[r + c * t.walk.axes[0].stride_x];
    }
    barrier();
#pragma unroll
    for (u32 i = 0; i < Square; i += SquareRows) {
        u32 r = row + i + warp(), c = column + lane();
        if (r < rows && c < columns)
            Store::store(tile[lane()][i + warp()], to + r * t.walk.axes[1].stride_y + c);
    }
}

KERNEL copy_transpose_1(const Transposition t) { transpose<u8, Overwrite>(t); }
KERNEL copy_transpose_2(const Transposition t) { transpose<u16, Overwrite>(t); }
KERNEL copy_transpose_4(const Transposition t) { transpose<u32, Overwrite>(t); }
KERNEL copy_transpose_add_4(const Transposition t) { transpose<float, Accumulate>(t); }
