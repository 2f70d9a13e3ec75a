// y [m, n] = tail(Σ parts [count, m, n]), parts in their order. A thread has a quad of columns of a row. y may be the only part.
#include "tail.cuh"

struct Parts {
    const void* parts;
    i64 apart;    // From one part to the next.
    i64 stride;   // From one row of a part to the next.
    Tail tail;    // It is aligned if the parts are, too.
    int m, count;
    u32 is_inner;  // The parts are brain floats.
};

template <bool TakesInner>
__device__ __forceinline__ void add_parts(const Parts& a) {
    u32 quads = (u32)(a.tail.n + 3) / 4, end = (u32)a.m * quads;
    for (i64 i = walk_start(); i < end; i += walk_step()) {
        int row = (int)((u32)i / quads), column = 4 * (int)((u32)i % quads);
        QuadTail<TakesInner> tail(a.tail, column);
        i64 at = row * a.tail.stride + column;
        float4 residual = tail.residual(a.tail, at);
        float4 sum = {0, 0, 0, 0};
        for (int j = 0; j < a.count; j++) {
            float4 x = tail.load(a.parts, row * a.stride + column + j * a.apart, a.is_inner != 0);
            sum.x += x.x, sum.y += x.y, sum.z += x.z, sum.w += x.w;
        }
        tail.finish(a.tail, at, row, sum, residual);
    }
}

KERNEL product_parts(const Parts a) { add_parts<false>(a); }
KERNEL product_parts_inner(const Parts a) { add_parts<true>(a); }
