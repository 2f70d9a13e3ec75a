// Views of pictures. Twins of PictureCrop and CropTask in C#.
#pragma once
#include "math.cuh"

struct Crop {
    i64 pixels;
    i32 picture_width, left, top, width, height;
    bool flip;
    u32 steps;
    float brightness, contrast, saturation;
    i32 hue;
    bool grayscale;
    i32 blur_radius;
    u32 blur_full, blur_edge;
    i32 threshold;
};

struct CropTask {
    Crop crop;
    i64 weights;
    i32 column_taps, row_taps;
};

struct Normalization { float mean[3], deviation[3]; };

__device__ __forceinline__ int clamp(int x, int low, int high) { return min(max(x, low), high); }

__device__ __forceinline__ int solarized(int v, int threshold) { return v >= threshold ? 255 - v : v; }

// (v / 255 - mean) / deviation, each step rounded.
__device__ __forceinline__ float normalized(int v, float mean, float deviation) { return ((float)v / 255.f - mean) / deviation; }
