// y [m, n] = tail(op(a) [m, k] · op(b) [k, n]): what the kernels of all precisions share. A block of 2T threads makes a tile [T, T] of y of one matrix
// of the batch, in steps of 16 along k: half of its threads bring a slice [T, 16] of a to shared memory, the other half one of b, each thread 4×4
// elements by way of its registers, while all compute with the slices before. That way is the same for operands stored along k and across it, it
// rounds each element once (brain floats not at all), and zeros stand for what lies beyond k. Two blocks of 256 threads have to fit a multiprocessor: one
// computes while the other waits.
#pragma once
#include "tail.cuh"

constexpr int Step = 16;

struct Product {
    const void* a;
    const void* b;        // Floats, or the narrower elements of the kernel.
    int stride_a, stride_b;
    i64 outer_a, outer_b, outer_y, inner_a, inner_b, inner_y;
    i64 part_y;          // From the y of one part of k to that of the next.
    Tail tail;
    int m, n, k;
    int part_k;          // Length of a part, a multiple of 16: block_y is the part.
    int tiles_m, tiles_n;
    int inner;           // Matrices of the inner batch.
    u32 along_a, along_b;  // The operand is stored along k.
    u32 is_aligned_a, is_aligned_b;  // Its quads lie on 16 bytes (8 where its elements have 2).
};

// Where a block's tile lies.
struct Place {
    i64 offset_a, offset_b, offset_y;
    int row, column;
    int depth, depth_end;
};

template <int T>
__device__ __forceinline__ Place locate(const Product& p) {
    u32 tiles = (u32)p.tiles_m * (u32)p.tiles_n;
    u32 matrix = block_x() / tiles, tile = block_x() % tiles;
    u32 outer = matrix / (u32)p.inner, inner = matrix % (u32)p.inner;
    // Tiles follow each other along the shorter side: those of a moment read all of one operand and little of the other, once.
    bool is_flat = p.tiles_m <= p.tiles_n;
    u32 side = (u32)(is_flat ? p.tiles_m : p.tiles_n), first = tile % side, second = tile / side;
    Place place;
    place.offset_a = outer * p.outer_a + inner * p.inner_a;
    place.offset_b = outer * p.outer_b + inner * p.inner_b;
    place.offset_y = outer * p.outer_y + inner * p.inner_y + block_y() * p.part_y;
    place.row = (int)(is_flat ? first : second) * T;
    place.column = (int)(is_flat ? second : first) * T;
    place.depth = (int)block_y() * p.part_k;
    place.depth_end = min(p.k, place.depth + p.part_k);
    return place;
}

template <bool Condition, class Yes, class No>
struct Choice {
    using Type = Yes;
};
template <class Yes, class No>
struct Choice<false, Yes, No> {
    using Type = No;
};
template <bool Condition, class Yes, class No>
using Choose = typename Choice<Condition, Yes, No>::Type;

// A quad, widened.
struct Widened {
    static constexpr bool IsStored = false;

    template <class Element>
    static __device__ __forceinline__ float4 whole(const Element* from) { return load_quad(from); }

    template <class Element>
    static __device__ __forceinline__ float4 part(const Element* from, int count) { return load_part(from, count); }
};

// A quad as it lies in memory: brain floats are two to a register, in x and y.
struct Stored : Widened {
    static constexpr bool IsStored = true;
    using Widened::part;
    using Widened::whole;

    static __device__ __forceinline__ float4 whole(const u16* from) {
        u32 low, high;
        asm volatile("ld.global.v2.u32 {%0, %1}, [%2];" : "=r"(low), "=r"(high) : "l"(global_address(from)));
        return {from_bits(low), from_bits(high), 0, 0};
    }

    static __device__ __forceinline__ float4 part(const u16* from, int count) {
        u32 x = count > 0 ? from[0] : 0u, y = count > 1 ? from[1] : 0u, z = count > 2 ? from[2] : 0u, w = count > 3 ? from[3] : 0u;
        return {from_bits(x | y << 16), from_bits(z | w << 16), 0, 0};
    }
};

// A thread's share of the slices of an operand: four quads that lie in as many lines of the stored matrix. Stored along k, thread t has quad t % 4 of the
// lines t / 4 + i T / 4; stored across, quad t % (T / 4) of the lines 4 (t / (T / 4)) + i.
template <int T>
struct Slice {
    const char* start;
    int stride;
    int line, line_end;
    int column, column_end;
    bool is_along, is_aligned;

    // first to end are the rows of op(a), or columns of op(b); thread is below T; bytes is the size of an element.
    __device__ __forceinline__ void open(
        const void* matrix, i64 offset, int bytes, int line_stride, bool along, bool aligned, int thread, int first, int end, int depth, int depth_end) {
        stride = line_stride;
        is_along = along;
        is_aligned = aligned;
        line = along ? first + thread / 4 : depth + 4 * (thread / (T / 4));
        column = along ? depth + 4 * (thread % 4) : first + 4 * (thread % (T / 4));
        line_end = along ? end : depth_end;
        column_end = along ? depth_end : end;
        start = (const char*)matrix + (offset + (i64)line * stride + column) * bytes;
    }

    template <class Element, class Way>
    __device__ __forceinline__ void fetch(float4 (&v)[4]) const {
        const Element* from = (const Element*)start;
        int apart = is_along ? T / 4 : 1;
        if (is_aligned && column + 4 <= column_end && (is_along || line + 3 < line_end)) {
            // A line beyond the last one is taken for the last: its results are not stored.
#pragma unroll
            for (int i = 0; i < 4; i++)
                v[i] = Way::whole(from + (i64)(min(line + i * apart, line_end - 1) - line) * stride);
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++)
                v[i] = Way::part(from + (i64)(i * apart) * stride, line + i * apart < line_end ? column_end - column : 0);
        }
    }

    // To the next slice.
    __device__ __forceinline__ void advance(int bytes) {
        start += (is_along ? (i64)Step : (i64)Step * stride) * bytes;
        line += is_along ? 0 : Step;
        column += is_along ? Step : 0;
    }
};

// Runs over the slices of a tile, of elements A and B. Machine has: Shared, the memory of a slice; store<Element>(Shared&, const float4 (&)[4], bool along,
// int thread) for quads that have come in its Way, Widened or Stored; multiply(const Shared& a, const Shared& b).
template <int T, class A, class B, class Machine>
__device__ __forceinline__ void multiply(const Product& p, const Place& place, typename Machine::Shared (&shared)[2][2], Machine& machine) {
    constexpr bool AreAlike = sizeof(A) == sizeof(B);
    bool is_a = thread_x() < T;
    int thread = (int)(thread_x() % T);
    int bytes = (int)(is_a ? sizeof(A) : sizeof(B));
    Slice<T> own;
    own.open(
        is_a ? p.a : p.b, is_a ? place.offset_a : place.offset_b, bytes, is_a ? p.stride_a : p.stride_b, (is_a ? p.along_a : p.along_b) != 0,
        (is_a ? p.is_aligned_a : p.is_aligned_b) != 0, thread, is_a ? place.row : place.column, is_a ? p.m : p.n, place.depth, place.depth_end);
    bool is_along = (is_a ? p.along_a : p.along_b) != 0;
    int steps = (place.depth_end - place.depth + Step - 1) / Step;
    if (steps == 0)
        return;
    float4 v[4];
    auto fetch = [&] {
        if (is_a || AreAlike)
            own.template fetch<A, typename Machine::Way>(v);
        else
            own.template fetch<B, typename Machine::Way>(v);
        own.advance(bytes);
    };
    auto bring = [&](int slice) {
        if (is_a || AreAlike || !Machine::Way::IsStored)
            Machine::template store<A>(shared[slice][is_a ? 0 : 1], v, is_along, thread);
        else
            Machine::template store<B>(shared[slice][1], v, is_along, thread);
    };
    fetch();
    bring(0);
    barrier();
    for (int step = 0; step < steps; step++) {
        bool is_last = step + 1 == steps;
        if (!is_last)
            fetch();
        machine.multiply(shared[step % 2][0], shared[step % 2][1]);
        // The other slices were read before the last barrier.
        if (!is_last)
            bring((step + 1) % 2);
        barrier();
    }
}

// The sums are the values of the product.
struct PlainValues {
    struct Columns {
        __device__ __forceinline__ Columns(const PlainValues&, int, int) {}
        __device__ __forceinline__ float4 values(const PlainValues&, int, float4 sums) const { return sums; }
    };
};

// Gives some rows of a tile to the tail, in whole lines: they were written to shared memory [Rows, Stride]. A thread has every eighth row of a quad.
template <int T, int Rows, int Stride, bool TakesInner, class Values>
__device__ __forceinline__ void finish_rows(const Product& p, const Place& place, int first, const float* rows, const Values& values) {
    constexpr int Together = Rows / 8 < 4 ? Rows / 8 : 4;
    int quad = 4 * (int)(thread_x() % (T / 4)), from = (int)(thread_x() / (T / 4));
    if (place.column + quad >= p.n)
        return;
    QuadTail<TakesInner> tail(p.tail, place.column + quad);
    typename Values::Columns columns(values, tail.column, tail.count);
#pragma unroll 1
    for (int i = from; i < Rows; i += 8 * Together) {
        int row = place.row + first + i;
        i64 at = place.offset_y + row * p.tail.stride + tail.column;
        // Read together, before any of them is waited for.
        float4 residual[Together];
#pragma unroll
        for (int j = 0; j < Together; j++)
            residual[j] = row + 8 * j < p.m ? tail.residual(p.tail, at + 8 * j * p.tail.stride) : float4{0, 0, 0, 0};
#pragma unroll
        for (int j = 0; j < Together; j++)
            if (row + 8 * j < p.m) {
                float4 sums = load_shared_quad(rows + (i + 8 * j) * Stride + quad);
                tail.finish(p.tail, at + 8 * j * p.tail.stride, row + 8 * j, columns.values(values, row + 8 * j, sums), residual[j]);
            }
    }
}
