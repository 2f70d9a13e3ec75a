// Quads of floats in one instruction.
#pragma once
#include "cuda.cuh"

using FourFloats = float __attribute__((ext_vector_type(4)));

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
    return {from_bits(low << 16), from_bits(low & 0xffff0000u), from_bits(high << 16), from_bits(high & 0xffff0000u)};
}

__device__ __forceinline__ float4 load_shared_quad(const float* from) {
    FourFloats v = *(const FourFloats*)from;
    return {v.x, v.y, v.z, v.w};
}

// To global or shared memory.
__device__ __forceinline__ void store_quad(float* to, float x, float y, float z, float w) { *(FourFloats*)to = FourFloats{x, y, z, w}; }
__device__ __forceinline__ void store_quad(float* to, float4 v) { store_quad(to, v.x, v.y, v.z, v.w); }

__device__ __forceinline__ float load_single(const float* from) { return *from; }
__device__ __forceinline__ float load_single(const u16* from) { return from_bits((u32)*from << 16); }

// The first elements of a quad that may end early, and may lie on any element; zeros after them.
template <class Element>
__device__ __forceinline__ float4 load_part(const Element* from, int count) {
    return {
        count > 0 ? load_single(from) : 0.f, count > 1 ? load_single(from + 1) : 0.f, count > 2 ? load_single(from + 2) : 0.f,
        count > 3 ? load_single(from + 3) : 0.f};
}

__device__ __forceinline__ void store_part(float* to, float4 v, int count) {
    if (count > 0)
        to[0] = v.x;
    if (count > 1)
        to[1] = v.y;
    if (count > 2)
        to[2] = v.z;
    if (count > 3)
        to[3] = v.w;
}
