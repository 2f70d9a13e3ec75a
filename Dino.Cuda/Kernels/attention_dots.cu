// dots [B, H, N] = Σ dy y over the depths of [B, N, H, D]: half a warp has a token of a head.
#include "attention.cuh"

struct AttentionDots {
    const void* y;
    const void* dy;
    float* dots;
    i64 count;  // B N H.
    Heads heads;
};

template <class Element>
__device__ __forceinline__ void dots(const AttentionDots& a) {
    u32 member = thread_x() % 16, token_heads = (u32)a.heads.tokens * (u32)a.heads.heads;
    // All lanes of a warp stay together for the shuffles.
    for (i64 i = walk_start() / 16; i - lane() / 16 < a.count; i += walk_step() / 16) {
        float sum = 0.f;
        for (int d = 4 * (int)member; d < a.heads.depth && i < a.count; d += 64) {
            float4 p = load_quad((const Element*)a.y + i * a.heads.depth + d), q = load_quad((const Element*)a.dy + i * a.heads.depth + d);
            sum += (p.x * q.x + p.y * q.y) + (p.z * q.z + p.w * q.w);
        }
        sum = over_group<Sum, 16>(sum);
        if (member == 0 && i < a.count) {
            u32 batch = (u32)(i / token_heads), rest = (u32)(i % token_heads), token = rest / (u32)a.heads.heads, head = rest % (u32)a.heads.heads;
            a.dots[((i64)batch * a.heads.heads + head) * a.heads.tokens + token] = sum;
        }
    }
}

KERNEL attention_dots(const AttentionDots a) { dots<float>(a); }
KERNEL attention_dots_inner(const AttentionDots a) { dots<u16>(a); }
