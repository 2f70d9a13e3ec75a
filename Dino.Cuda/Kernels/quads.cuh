// Quads of floats, or of brain floats (the upper halves of floats, 2 bytes each), in one instruction.
#pragma once
#include "cuda.cuh"

using FourFloats = float __attribute__((ext_vector_type(4)));
using FourWords = u32 __attribute__((ext_vector_type(4)));
using TwoWords = u32 __attribute__((ext_vector_type(2)));

// Two brain floats, nearest even; the first in the low half.
__device__ __forceinline__ u32 to_bf16(float low, float high) {
    u32 y;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
    return y;
}
__device__ __forceinline__ u16 to_bf16(float x) { return (u16)to_bf16(x, 0.f); }

// The two brain floats of a word.
__device__ __forceinline__ float low_half(u32 x) { return from_bits(x << 16); }
__device__ __forceinline__ float high_half(u32 x) { return from_bits(x & 0xffff0000u); }

__device__ __forceinline__ u64 global_address(const void* x) { return (u64)(__attribute__((address_space(1))) const void*)x; }

// In assembler where it matters: where the same quad can also come element by element, the compiler takes the load apart and joins the halves of both ways.
__device__ __forceinline__ float4 load_quad(const float* from) {
    float4 v;
    asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(global_address(from)));
    return v;
}

// Four brain floats as floats.
__device__ __forceinline__ float4 load_quad(const u16* from) {
    u32 low, high;
    asm volatile("ld.global.v2.u32 {%0, %1}, [%2];" : "=r"(low), "=r"(high) : "l"(global_address(from)));
    return {low_half(low), high_half(low), low_half(high), high_half(high)};
}

__device__ __forceinline__ float4 load_shared_quad(const float* from) {
    FourFloats v = *(const FourFloats*)from;
    return {v.x, v.y, v.z, v.w};
}

// To global or shared memory.
__device__ __forceinline__ void store_quad(float* to, float x, float y, float z, float w) { *(FourFloats*)to = FourFloats{x, y, z, w}; }
__device__ __forceinline__ void store_quad(float* to, float4 v) { store_quad(to, v.x, v.y, v.z, v.w); }
__device__ __forceinline__ void store_quad(u16* to, float4 v) { *(TwoWords*)to = TwoWords{to_bf16(v.x, v.y), to_bf16(v.z, v.w)}; }

// Eight brain floats as they are.
__device__ __forceinline__ FourWords load_octet(const u16* from) {
    u32 a, b, c, d;
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(a), "=r"(b), "=r"(c), "=r"(d) : "l"(global_address(from)));
    return FourWords{a, b, c, d};
}

__device__ __forceinline__ float load_single(const float* from) { return *from; }
__device__ __forceinline__ float load_single(const u16* from) { return from_bits((u32)*from << 16); }
__device__ __forceinline__ void store_single(float* to, float x) { *to = x; }
__device__ __forceinline__ void store_single(u16* to, float x) { *to = to_bf16(x); }

// The first elements of a quad that may end early, and may lie on any element; zeros after them.
template <class Element>
__device__ __forceinline__ float4 load_part(const Element* from, int count) {
    return {
        count > 0 ? load_single(from) : 0.f, count > 1 ? load_single(from + 1) : 0.f, count > 2 ? load_single(from + 2) : 0.f,
        count > 3 ? load_single(from + 3) : 0.f};
}

template <class Element>
__device__ __forceinline__ void store_part(Element* to, float4 v, int count) {
    if (count > 0)
        store_single(to, v.x);
    if (count > 1)
        store_single(to + 1, v.y);
    if (count > 2)
        store_single(to + 2, v.z);
    if (count > 3)
        store_single(to + 3, v.w);
}
