// Random numbers by blocks of four, the same on every device: Philox 4x32-10 (Salmon et al. 2011), a thread for a block. What becomes of its words is
// computed in the order of the CPU, with every rounding.
#include "double.cuh"

struct Random {
    float* y;
    i64 count;
    u32 seed_low, seed_high, a, b, c;
    // Uniform: the lower end, the width and the largest number; normal: mean and deviation.
    float first, second, largest;
    // Whether y may be written four elements at a time.
    u32 aligned;
};

__device__ __forceinline__ uint4 philox(const Random& r, u32 block) {
    u32 x = block, y = r.a, z = r.b, w = r.c, k0 = r.seed_low, k1 = r.seed_high;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u64 p0 = 0xD2511F53ull * x, p1 = 0xCD9E8D57ull * z;
        x = (u32)(p1 >> 32) ^ y ^ k0;
        y = (u32)p1;
        z = (u32)(p0 >> 32) ^ w ^ k1;
        w = (u32)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {x, y, z, w};
}

// A float in [0, 1), on the grid of 2^-24.
__device__ __forceinline__ float to_uniform(u32 word) { return (float)(word >> 8) * (1.f / (1 << 24)); }

__device__ __forceinline__ void store(const Random& r, i64 block, float4 numbers) {
    float* y = r.y + block * 4;
    i64 rest = r.count - block * 4;
    if (r.aligned && rest >= 4) {
        *(float4*)y = numbers;
        return;
    }
    y[0] = numbers.x;
    if (rest > 1)
        y[1] = numbers.y;
    if (rest > 2)
        y[2] = numbers.z;
    if (rest > 3)
        y[3] = numbers.w;
}

__device__ __forceinline__ float uniform(const Random& r, u32 word) { return min(add(r.first, multiply(r.second, to_uniform(word))), r.largest); }

// Box and Muller 1958, in double so that the result does not hang on the last bit of a logarithm.
__device__ __forceinline__ float2 normal(const Random& r, u32 first, u32 second) {
    constexpr double twoPi = 6.28318530717958647693;
    // 1 - u lies in (0, 1]: its logarithm is finite.
    double radius = sqrt(multiply(-2.0, log(1.0 - (double)to_uniform(first))));
    SineCosine angle = sine_cosine(multiply(twoPi, (double)to_uniform(second)));
    double scale = multiply((double)r.second, radius), mean = (double)r.first;
    return {(float)add(mean, multiply(scale, angle.cosine)), (float)add(mean, multiply(scale, angle.sine))};
}

KERNEL random_uniform(const Random r) {
    for (i64 block = walk_start(); block * 4 < r.count; block += walk_step()) {
        uint4 words = philox(r, (u32)block);
        store(r, block, {uniform(r, words.x), uniform(r, words.y), uniform(r, words.z), uniform(r, words.w)});
    }
}

KERNEL random_normal(const Random r) {
    for (i64 block = walk_start(); block * 4 < r.count; block += walk_step()) {
        uint4 words = philox(r, (u32)block);
        float2 a = normal(r, words.x, words.y), b = normal(r, words.z, words.w);
        store(r, block, {a.x, a.y, b.x, b.y});
    }
}
