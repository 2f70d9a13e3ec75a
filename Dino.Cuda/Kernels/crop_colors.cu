// Colours of views: jitter in the order of each view, grayscale, and, where no blur follows, solarisation and normalisation. A block has a whole view, since
// contrast needs its mean; a thread has four pixels at a time. Exact integers, and floats with the roundings of the CPU.
#include "crops.cuh"
#include "sums.cuh"

constexpr int Threads = 512, Quad = 4;
constexpr u32 Brightness = 1, Contrast = 2, Saturation = 3, Hue = 4, StepBits = 4, StepMask = 15;

struct Colors {
    const CropTask* tasks;
    u8* planes;
    float* y;
    i64 plane_stride;
    i32 side;
    Normalization normalization;
};

struct Pixel { i32 red, green, blue; };

// ITU-R 601 in 16-bit fixed point; the weights add up to 2^16.
__device__ __forceinline__ i32 luma(const Pixel& p) { return (19595 * p.red + 38470 * p.green + 7471 * p.blue + 32768) >> 16; }

// base + factor · (v - base), rounded after each operation, clamped and truncated.
__device__ __forceinline__ i32 blend(i32 base, i32 v, float factor) {
    float blended = add((float)base, multiply(factor, add((float)v, -(float)base)));
    return (i32)min(max(blended, 0.f), 255.f);
}

__device__ __forceinline__ Pixel blend(i32 base, const Pixel& p, float factor) {
    return {blend(base, p.red, factor), blend(base, p.green, factor), blend(base, p.blue, factor)};
}

// floor(255 x) of the exact product, x >= 0: where the rounded product reached the next integer, it is taken back.
__device__ __forceinline__ i32 truncated_times_255(float x) {
    i32 whole = (i32)multiply(x, 255.f);
    return fma(x, 255.f, -(float)whole) < 0.f ? whole - 1 : whole;
}

// round(value · (1 - fade - error)), half up, decided on the exact remainder.
__device__ __forceinline__ i32 faded(i32 value, float fade, float error) {
    float v = (float)value;
    i32 rounded = (i32)add(fma(-v, fade, v), 0.5f);
    float remainder = add(fma(-v, fade, (float)(value - rounded)), -multiply(v, error));
    return rounded + (remainder >= 0.5f ? 1 : 0) - (remainder < -0.5f ? 1 : 0);
}

// Through 8-bit HSV, as HueKernel of the CPU, which says why the roundings are right.
__device__ __forceinline__ Pixel hue_shifted(const Pixel& p, i32 shift) {
    i32 largest = max(p.red, max(p.green, p.blue)), smallest = min(p.red, min(p.green, p.blue)), range = largest - smallest;
    // Without colour hue and saturation are 0.
    if (range == 0)
        return {largest, largest, largest};
    i32 middle = p.red + p.green + p.blue - largest - smallest;
    float distance = (float)(largest - middle) / (float)range;
    bool is_red = p.red == largest, is_green = p.green == largest;
    i32 following = is_red ? p.green : is_green ? p.blue : p.red;
    float sector = is_red ? 0.f : is_green ? 2.f : 4.f;
    float sixths = following == smallest ? add(add(sector, -1.f), distance) : add(add(sector, 1.f), -distance);
    float turn = sixths / 6.f;
    turn = turn < 0.f ? add(turn, 1.f) : turn;
    i32 hue = (truncated_times_255(turn) + shift) & 255, saturation = truncated_times_255((float)range / (float)largest);

    // x / 255 = (257 x + 257) >> 16 for 0 <= x <= 1530.
    i32 six = hue * 6, number = (six * 257 + 257) >> 16;
    float fraction = (float)(six - number * 255) / 255.f, strength = (float)saturation / 255.f;
    i32 product = largest * (255 - saturation) + 128, v = largest, low = (product + (product >> 8)) >> 8;
    i32 falling = faded(v, multiply(strength, fraction), 0.f);
    float rest = add(1.f, -fraction), rest_error = add(add(1.f, -rest), -fraction), fade = multiply(strength, rest);
    i32 rising = faded(v, fade, add(fma(strength, rest, -fade), multiply(strength, rest_error)));
    switch (number) {
    case 1: return {falling, v, low};
    case 2: return {low, v, rising};
    case 3: return {low, falling, v};
    case 4: return {rising, low, v};
    case 5: return {v, low, falling};
    default: return {v, rising, low};
    }
}

__device__ __forceinline__ void recolor(Pixel (&pixels)[Quad], const Crop& crop, u32 steps, i32 mean) {
    for (; steps != 0; steps >>= StepBits) {
        u32 step = steps & StepMask;
#pragma unroll
        for (int k = 0; k < Quad; k++) {
            Pixel& p = pixels[k];
            if (step == Brightness)
                p = blend(0, p, crop.brightness);
            else if (step == Contrast)
                p = blend(mean, p, crop.contrast);
            else if (step == Saturation)
                p = blend(luma(p), p, crop.saturation);
            else if (step == Hue)
                p = hue_shifted(p, crop.hue);
        }
    }
}

// Bytes of a plane from a multiple of four on; what lies behind the plane is spare.
__device__ __forceinline__ void load(Pixel (&pixels)[Quad], const u8* planes, i64 stride, int i) {
    u32 red = *(const u32*)(planes + i), green = *(const u32*)(planes + stride + i), blue = *(const u32*)(planes + 2 * stride + i);
#pragma unroll
    for (int k = 0; k < Quad; k++)
        pixels[k] = {(i32)(red >> (8 * k) & 255), (i32)(green >> (8 * k) & 255), (i32)(blue >> (8 * k) & 255)};
}

__device__ __forceinline__ i32 channel_of(const Pixel& p, int channel) { return channel == 0 ? p.red : channel == 1 ? p.green : p.blue; }

__device__ __forceinline__ void store_bytes(const Pixel (&pixels)[Quad], u8* planes, i64 stride, int i) {
#pragma unroll
    for (int c = 0; c < 3; c++) {
        u32 packed = 0;
#pragma unroll
        for (int k = 0; k < Quad; k++)
            packed |= (u32)channel_of(pixels[k], c) << (8 * k);
        *(u32*)(planes + c * stride + i) = packed;
    }
}

__device__ __forceinline__ void store_floats(const Pixel (&pixels)[Quad], const Crop& crop, const Normalization& n, float* y, int count, int i) {
#pragma unroll
    for (int c = 0; c < 3; c++) {
        float v[Quad];
#pragma unroll
        for (int k = 0; k < Quad; k++)
            v[k] = normalized(solarized(channel_of(pixels[k], c), crop.threshold), n.mean[c], n.deviation[c]);
        float* to = y + (i64)c * count + i;
        if (count % Quad == 0 && (u64)y % sizeof(float4) == 0) {
            *(float4*)to = float4{v[0], v[1], v[2], v[3]};
        } else {
#pragma unroll
            for (int k = 0; k < Quad; k++)
                if (i + k < count)
                    to[k] = v[k];
        }
    }
}

// The mean luma of the picture as the steps before the contrast leave it, rounded to a byte.
__device__ __forceinline__ i32 mean_before_contrast(const Colors& a, const Crop& crop, const u8* planes, int count, double* scratch) {
    u32 before = 0, bits = 0;
    while ((crop.steps >> bits & StepMask) != Contrast) {
        if (crop.steps >> bits == 0)
            return 0;
        bits += StepBits;
    }
    before = crop.steps & ((1u << bits) - 1);
    // At most 2^26 / 512 pixels of a thread.
    u32 sum = 0;
    for (int i = Quad * (int)thread_x(); i < count; i += Quad * Threads) {
        Pixel pixels[Quad];
        load(pixels, planes, a.plane_stride, i);
        recolor(pixels, crop, before, 0);
#pragma unroll
        for (int k = 0; k < Quad; k++)
            sum += i + k < count ? (u32)luma(pixels[k]) : 0;
    }
    // Integers below 2^53: every order of the sum gives the same.
    return (i32)add(sum_over_block((double)sum, scratch) / (double)count, 0.5);
}

KERNEL __launch_bounds__(Threads) crop_colors(const Colors a) {
    __shared__ double scratch[WarpSize];
    const Crop& crop = a.tasks[block_x()].crop;
    int count = a.side * a.side;
    u8* planes = a.planes + (i64)block_x() * 3 * a.plane_stride;
    float* y = a.y + (i64)block_x() * 3 * count;
    bool is_blurred = crop.blur_full != 0;
    if (is_blurred && crop.steps == 0 && !crop.grayscale)
        return;
    i32 mean = mean_before_contrast(a, crop, planes, count, scratch);
    for (int i = Quad * (int)thread_x(); i < count; i += Quad * Threads) {
        Pixel pixels[Quad];
        load(pixels, planes, a.plane_stride, i);
        recolor(pixels, crop, crop.steps, mean);
        if (crop.grayscale) {
#pragma unroll
            for (int k = 0; k < Quad; k++) {
                i32 gray = luma(pixels[k]);
                pixels[k] = {gray, gray, gray};
            }
        }
        if (is_blurred)
            store_bytes(pixels, planes, a.plane_stride, i);
        else
            store_floats(pixels, crop, a.normalization, y, count, i);
    }
}
