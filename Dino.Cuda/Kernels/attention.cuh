// What attention over packed qkv [B, N, 3, H, D] shares with its gradient: neither stores scores. A block makes some rows of one head (queries, or keys in half of the
// gradient) and walks over all columns (keys, or queries) in tiles of shared memory; scores stay in registers. Everything lies on 16 bytes, and depths are multiples of 4; those below that of the kernel are filled
// up with zeros. How scores come about and are shared out is a Machine's business:
//   Depth, Rows, Columns        sizes of its tiles; Rows / 16 warps make a block
//   RowSlots, ColumnSlots       scores of a thread: those of row(i) and column(j)
//   DepthSlots                  sums of a thread for each of its rows
//   Group                       neighbouring lanes that share rows
//   Tile<R>, Exchange           shared memory: R rows, and what a group needs to share scores
//   score(s, a, b)              s = rows of a · rows of b
//   weigh(sums, w, b, exchange) sums += w · b for weights that lie where scores do
//   store(sums, to, factor, ..) writes the sums of a row
// qkv, y and their gradients are F32, or brain floats: elements of one type.
#pragma once
#include "math.cuh"
#include "quads.cuh"
#include "reduce.cuh"

struct Heads {
    int tokens, heads, depth;
    int blocks;      // Of a head.
    float scale;

    __device__ __forceinline__ int width() const { return heads * depth; }
};

// Where the rows of a block are.
struct HeadPlace {
    i64 packed, plain, column;  // First element of the head's queries in qkv, of its part of an activation [B, N, H, D], and in [B, H, N].
    int first;                  // First row.

    __device__ __forceinline__ HeadPlace(const Heads& heads, int rows) {
        u32 matrix = block_x() / (u32)heads.blocks, batch = matrix / (u32)heads.heads;
        i64 inside = (i64)(matrix % (u32)heads.heads) * heads.depth;
        first = (int)(block_x() % (u32)heads.blocks) * rows;
        plain = (i64)batch * heads.tokens * heads.width() + inside;
        packed = (i64)batch * heads.tokens * 3 * heads.width() + inside;
        column = (i64)matrix * heads.tokens;
    }
};

// Dynamic: some tiles need more than a static declaration may ask for.
extern __shared__ u32 attention_memory[] __attribute__((aligned(16)));

// Brings rows of memory to a tile [R, D], zeros for those that do not exist.
template <int R, int D, int Threads, class Tile>
__device__ __forceinline__ void bring(Tile& tile, const float* from, int stride, int first, const Heads& heads) {
    constexpr int Quads = D / 4, Apart = Threads / Quads, Count = R / Apart, Together = Count < 8 ? Count : 8;
    static_assert(Threads % Quads == 0 && R % Apart == 0 && Count % Together == 0);
    int quad = (int)(thread_x() % Quads), row = (int)(thread_x() / Quads), token = first + row;
    bool is_inside = 4 * quad < heads.depth;
    const float* source = from + min(4 * quad, heads.depth - 4);
#pragma unroll
    for (int i = 0; i < Count; i += Together) {
        float4 v[Together];
#pragma unroll
        for (int j = 0; j < Together; j++)
            v[j] = load_quad(source + (i64)min(token + (i + j) * Apart, heads.tokens - 1) * stride);
#pragma unroll
        for (int j = 0; j < Together; j++) {
            if (!is_inside || token + (i + j) * Apart >= heads.tokens)
                v[j] = {0, 0, 0, 0};
            tile.put(row + (i + j) * Apart, quad, v[j]);
        }
    }
}

// Of brain floats, which go there as they are.
template <int R, int D, int Threads, class Tile>
__device__ __forceinline__ void bring(Tile& tile, const u16* from, int stride, int first, const Heads& heads) {
    constexpr int Octets = D / 8, Apart = Threads / Octets, Count = R / Apart, Together = Count < 8 ? Count : 8;
    static_assert(Threads % Octets == 0 && R % Apart == 0 && Count % Together == 0);
    int octet = (int)(thread_x() % Octets), row = (int)(thread_x() / Octets), token = first + row;
    bool is_inside = 8 * octet < heads.depth;
    const u16* source = from + min(8 * octet, heads.depth - 8);
#pragma unroll
    for (int i = 0; i < Count; i += Together) {
        FourWords v[Together];
#pragma unroll
        for (int j = 0; j < Together; j++)
            v[j] = load_octet(source + (i64)min(token + (i + j) * Apart, heads.tokens - 1) * stride);
#pragma unroll
        for (int j = 0; j < Together; j++) {
            if (!is_inside || token + (i + j) * Apart >= heads.tokens)
                v[j] = FourWords{0, 0, 0, 0};
            tile.put(row + (i + j) * Apart, octet, v[j]);
        }
    }
}

template <class Operator, int Lanes>
__device__ __forceinline__ float over_group(float x) {
#pragma unroll
    for (int mask = Lanes / 2; mask > 0; mask /= 2)
        x = Operator::join(x, shuffle_xor(x, mask));
    return x;
}
