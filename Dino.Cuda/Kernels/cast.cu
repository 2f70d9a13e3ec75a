// y = x in another element type. Every pair goes through F32, so there is one reader and one writer per type; I32 beyond 2^24 is therefore rounded to
// F32 first, as in torch. To nearest even; F32 to I32 and U8 truncates and saturates, NaN gives 0.
#include "cuda.cuh"

struct Cast {
    const void* x;
    void* y;
    i64 count;
    // Runs of four elements, aligned on both sides; the others are converted one by one.
    i64 quads;
};

template <class T>
struct alignas(4 * sizeof(T)) Quad { T x, y, z, w; };

struct F32 {
    using Element = float;
    static __device__ __forceinline__ float read(float x) { return x; }
    static __device__ __forceinline__ float write(float x) { return x; }
};

struct BF16 {
    using Element = u16;
    static __device__ __forceinline__ float read(u16 x) { return from_bits((u32)x << 16); }
    // NaN stays NaN (quiet) where rounding could carry it to infinity.
    static __device__ __forceinline__ u16 write(float x) {
        u32 b = bits(x), rounded = b + 0x7fffu + (b >> 16 & 1u);
        return (u16)((b << 1 > 0xff000000u ? b | 0x400000u : rounded) >> 16);
    }
};

struct F16 {
    using Element = u16;
    static __device__ __forceinline__ float read(u16 x) { return (float)__builtin_bit_cast(_Float16, x); }
    static __device__ __forceinline__ u16 write(float x) { return __builtin_bit_cast(u16, (_Float16)x); }
};

struct I32 {
    using Element = i32;
    static __device__ __forceinline__ float read(i32 x) { return (float)x; }
    static __device__ __forceinline__ i32 write(float x) { return __nvvm_f2i_rz(x); }
};

struct U8 {
    using Element = u8;
    static __device__ __forceinline__ float read(u8 x) { return (float)x; }
    static __device__ __forceinline__ u8 write(float x) { return (u8)min(max(__nvvm_f2i_rz(x), 0), 255); }
};

template <class From, class To>
__device__ __forceinline__ void cast(const Cast& c) {
    using X = typename From::Element;
    using Y = typename To::Element;
    for (i64 i = walk_start(); i < c.quads; i += walk_step()) {
        Quad<X> x = ((const Quad<X>*)c.x)[i];
        ((Quad<Y>*)c.y)[i] = {To::write(From::read(x.x)), To::write(From::read(x.y)), To::write(From::read(x.z)), To::write(From::read(x.w))};
    }
    for (i64 i = c.quads * 4 + walk_start(); i < c.count; i += walk_step())
        ((Y*)c.y)[i] = To::write(From::read(((const X*)c.x)[i]));
}

KERNEL cast_f32_bf16(const Cast c) { cast<F32, BF16>(c); }
KERNEL cast_f32_f16(const Cast c) { cast<F32, F16>(c); }
KERNEL cast_f32_i32(const Cast c) { cast<F32, I32>(c); }
KERNEL cast_f32_u8(const Cast c) { cast<F32, U8>(c); }
KERNEL cast_bf16_f32(const Cast c) { cast<BF16, F32>(c); }
KERNEL cast_bf16_f16(const Cast c) { cast<BF16, F16>(c); }
KERNEL cast_bf16_i32(const Cast c) { cast<BF16, I32>(c); }
KERNEL cast_bf16_u8(const Cast c) { cast<BF16, U8>(c); }
KERNEL cast_f16_f32(const Cast c) { cast<F16, F32>(c); }
KERNEL cast_f16_bf16(const Cast c) { cast<F16, BF16>(c); }
KERNEL cast_f16_i32(const Cast c) { cast<F16, I32>(c); }
KERNEL cast_f16_u8(const Cast c) { cast<F16, U8>(c); }
KERNEL cast_i32_f32(const Cast c) { cast<I32, F32>(c); }
KERNEL cast_i32_bf16(const Cast c) { cast<I32, BF16>(c); }
KERNEL cast_i32_f16(const Cast c) { cast<I32, F16>(c); }
KERNEL cast_i32_u8(const Cast c) { cast<I32, U8>(c); }
KERNEL cast_u8_f32(const Cast c) { cast<U8, F32>(c); }
KERNEL cast_u8_bf16(const Cast c) { cast<U8, BF16>(c); }
KERNEL cast_u8_f16(const Cast c) { cast<U8, F16>(c); }
KERNEL cast_u8_i32(const Cast c) { cast<U8, I32>(c); }
