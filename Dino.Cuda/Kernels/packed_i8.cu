// y = tail(x · wᵀ) of bytes: x = least + scale · byte by rows, w = scale · integer by columns of y. Four bytes along k are a word, and products of words sums of
// four: slices are brought as if they were floats. Sums of integers are exact.
#include "product_exact.cuh"

struct Bytes {
    using Sum = int;

    // x: bytes without sign, y: with.
    static __device__ __forceinline__ int multiply_add(float x, float y, int sum) {
        int z;
        asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(z) : "r"(bits(x)), "r"(bits(y)), "r"(sum));
        return z;
    }
};

// What the sums stand for: Σ (least + scale · byte) · w = scale · scale of w · Σ byte · integer + least · (scale of w · Σ integer).
struct ByteValues {
    const float* scales;         // [m]
    const float* leasts;         // [m]
    const float* weight_scales;  // [n]
    const float* weight_sums;    // [n]: scale times the sum of the integers.

    struct Columns {
        float4 scale, sum;

        __device__ __forceinline__ Columns(const ByteValues& v, int column, int count)
            : scale(load_part(v.weight_scales + column, count)), sum(load_part(v.weight_sums + column, count)) {}

        __device__ __forceinline__ float4 values(const ByteValues& v, int row, float4 sums) const {
            float factor = v.scales[row], least = v.leasts[row];
            return {
                fma(sums.x, factor * scale.x, least * sum.x), fma(sums.y, factor * scale.y, least * sum.y), fma(sums.z, factor * scale.z, least * sum.z),
                fma(sums.w, factor * scale.w, least * sum.w)};
        }
    };
};

struct ByteProduct {
    Product product;
    ByteValues values;
};

KERNEL __launch_bounds__(256, 2) packed_i8_128(const ByteProduct p) { product<128, float, Bytes, ByteValues, true>(p.product, p.values); }
KERNEL __launch_bounds__(128, 4) packed_i8_64(const ByteProduct p) { product<64, float, Bytes, ByteValues, true>(p.product, p.values); }
KERNEL __launch_bounds__(64) packed_i8_32(const ByteProduct p) { product<32, float, Bytes, ByteValues, true>(p.product, p.values); }
