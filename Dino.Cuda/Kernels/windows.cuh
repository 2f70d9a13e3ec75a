// Windows that move over pictures [N, H, W, C].
#pragma once
#include "divisor.cuh"

struct Window {
    i32 kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left, dilation_y, dilation_x, output_height, output_width;
};

struct Span { i32 first, last; };

// The windows of one axis over a position of the picture: from first to last, if the position lies on their grid.
__device__ __forceinline__ Span windows_over(i32 position, i32 pad, i32 stride, i32 kernel, i32 dilation, i32 windows) {
    i32 end = position + pad, start = end - (kernel - 1) * dilation;
    return {start > 0 ? (i32)((u32)(start + stride - 1) / (u32)stride) : 0, min((i32)((u32)end / (u32)stride), windows - 1)};
}

// The place in its kernel at which a window lies over a position; kernel places are dilation apart. Negative if it lies there with none.
__device__ __forceinline__ i32 place_in(i32 position, i32 pad, i32 stride, i32 dilation, i32 window) {
    i32 distance = position + pad - window * stride;
    if (dilation == 1)
        return distance;
    i32 place = (i32)((u32)distance / (u32)dilation);
    return place * dilation == distance ? place : -1;
}
