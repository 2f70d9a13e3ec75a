// Functions of brain floats and their gradients, computed in F32 and rounded once: see unary.cuh. Quads are runs of eight here.
#include "quads.cuh"
#include "unary.cuh"

// f(a word of two elements of each operand).
template <class F>
__device__ __forceinline__ FourWords each_word(F f) {
    return FourWords{f(0), f(1), f(2), f(3)};
}

template <class Operator>
__device__ __forceinline__ void map_inner(const Unary& u) {
    const u16* x = (const u16*)u.x;
    u16* y = (u16*)u.y;
    auto apply = [&](float v) { return Operator::apply(v, u.a, u.b); };
    for (i64 i = walk_start(); i < u.quads; i += walk_step()) {
        FourWords v = load_octet(x + 8 * i);
        *(FourWords*)(y + 8 * i) = each_word([&](int k) { return to_bf16(apply(low_half(v[k])), apply(high_half(v[k]))); });
    }
    for (i64 i = u.quads * 8 + walk_start(); i < u.count; i += walk_step())
        store_single(y + i, apply(load_single(x + i)));
}

template <class Operator>
__device__ __forceinline__ void pull_inner(const UnaryBackward& u) {
    const u16 *x = (const u16*)u.x, *y = (const u16*)u.y, *dy = (const u16*)u.dy;
    u16* dx = (u16*)u.dx;
    for (i64 i = walk_start(); i < u.quads; i += walk_step()) {
        FourWords xs = {}, ys = {}, before = {}, dys = load_octet(dy + 8 * i);
        if (Operator::reads == Input)
            xs = load_octet(x + 8 * i);
        if (Operator::reads == Result)
            ys = load_octet(y + 8 * i);
        if (u.accumulate)
            before = load_octet(dx + 8 * i);
        *(FourWords*)(dx + 8 * i) = each_word([&](int k) {
            return to_bf16(
                pull<Operator>(u, low_half(xs[k]), low_half(ys[k]), low_half(dys[k]), low_half(before[k])),
                pull<Operator>(u, high_half(xs[k]), high_half(ys[k]), high_half(dys[k]), high_half(before[k])));
        });
    }
    for (i64 i = u.quads * 8 + walk_start(); i < u.count; i += walk_step()) {
        float from = Operator::reads == Input ? load_single(x + i) : 0.f, result = Operator::reads == Result ? load_single(y + i) : 0.f;
        store_single(dx + i, pull<Operator>(u, from, result, load_single(dy + i), u.accumulate ? load_single(dx + i) : 0.f));
    }
}

KERNEL unary_gelu_inner(const Unary a) { map_inner<Gelu>(a); }
KERNEL unary_gelu_inner_backward(const UnaryBackward a) { pull_inner<Gelu>(a); }
KERNEL unary_relu_inner(const Unary a) { map_inner<Relu>(a); }
KERNEL unary_relu_inner_backward(const UnaryBackward a) { pull_inner<Relu>(a); }
