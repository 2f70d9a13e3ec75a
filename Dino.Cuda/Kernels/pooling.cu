// Pooling of pictures [N, H, W, C] and its gradient, a thread for an element: neighbouring threads are neighbouring channels of one window.
// A window without any pixel gives -inf (Max) or 0 (Average) and sends no gradient.
#include "math.cuh"
#include "windows.cuh"

enum PoolOp : u32 { Max, AverageWithPadding, Average };

struct Pool {
    const float* x;
    // Forward: y; backward: dy and dx.
    float* y;
    const float* dy;
    float* dx;
    u32 count;
    // Of the elements that threads walk over: those of y, or those of dx.
    Divisor channels, width, height;
    i32 picture_height, picture_width;
    Window window;
    u32 op, accumulate;
};

// The picture's rows or columns under one window: places [first, last] of its kernel.
__device__ __forceinline__ Span places_inside(i32 start, i32 kernel, i32 dilation, i32 length) {
    i32 first = start >= 0 ? 0 : (i32)((u32)(dilation - 1 - start) / (u32)dilation);
    i32 last = start < length ? (i32)((u32)(length - 1 - start) / (u32)dilation) : -1;
    return {first, min(last, kernel - 1)};
}

struct View {
    Span rows, columns;
    i32 top, left;

    __device__ __forceinline__ View(const Pool& p, i32 oy, i32 ox) {
        const Window& w = p.window;
        top = oy * w.stride_y - w.pad_top;
        left = ox * w.stride_x - w.pad_left;
        rows = places_inside(top, w.kernel_height, w.dilation_y, p.picture_height);
        columns = places_inside(left, w.kernel_width, w.dilation_x, p.picture_width);
    }

    // Position in x of a place of the window, for channel 0 of sample 0.
    __device__ __forceinline__ i64 at(const Pool& p, i32 ky, i32 kx) const {
        return ((i64)(top + ky * p.window.dilation_y) * p.picture_width + left + kx * p.window.dilation_x) * p.channels.value;
    }

    // What the sum of the window is multiplied with.
    __device__ __forceinline__ float scale(const Pool& p) const {
        i32 inside = max(0, rows.last - rows.first + 1) * max(0, columns.last - columns.first + 1);
        return 1.f / (float)(p.op == AverageWithPadding ? p.window.kernel_height * p.window.kernel_width : max(1, inside));
    }
};

KERNEL pool(const Pool p) {
    for (u32 i = (u32)walk_start(); i < p.count; i += (u32)walk_step()) {
        u32 sample = i;
        i32 c = split(sample, p.channels), ox = split(sample, p.width), oy = split(sample, p.height);
        View view(p, oy, ox);
        const float* x = p.x + (i64)sample * p.picture_height * p.picture_width * p.channels.value + c;
        float folded = p.op == Max ? -Infinity : 0.f;
        for (i32 ky = view.rows.first; ky <= view.rows.last; ky++) {
            for (i32 kx = view.columns.first; kx <= view.columns.last; kx++) {
                float value = x[view.at(p, ky, kx)];
                folded = p.op == Max ? max_or_nan(folded, value) : folded + value;
            }
        }
        p.y[i] = p.op == Max ? folded : multiply(folded, view.scale(p));
    }
}

// Whether an element is the window's largest: no other is above it, none before it is as large; the first NaN beats all.
__device__ __forceinline__ bool wins(const Pool& p, const View& view, const float* x, i32 own_y, i32 own_x) {
    float own = x[view.at(p, own_y, own_x)];
    for (i32 ky = view.rows.first; ky <= view.rows.last; ky++) {
        for (i32 kx = view.columns.first; kx <= view.columns.last; kx++) {
            float value = x[view.at(p, ky, kx)];
            bool isBefore = ky < own_y || (ky == own_y && kx < own_x), isNaN = value != value;
            if (own != own ? isBefore && isNaN : isNaN || value > own || (isBefore && value == own))
                return false;
        }
    }
    return true;
}

KERNEL pool_backward(const Pool p) {
    const Window& w = p.window;
    for (u32 i = (u32)walk_start(); i < p.count; i += (u32)walk_step()) {
        u32 sample = i;
        i32 c = split(sample, p.channels), x = split(sample, p.width), y = split(sample, p.height);
        Span rows = windows_over(y, w.pad_top, w.stride_y, w.kernel_height, w.dilation_y, w.output_height);
        Span columns = windows_over(x, w.pad_left, w.stride_x, w.kernel_width, w.dilation_x, w.output_width);
        const float* picture = p.x + (i64)sample * p.picture_height * p.picture_width * p.channels.value + c;
        float sum = p.accumulate ? p.dx[i] : 0.f;
        for (i32 oy = rows.first; oy <= rows.last; oy++) {
            i32 ky = place_in(y, w.pad_top, w.stride_y, w.dilation_y, oy);
            for (i32 ox = columns.first; ky >= 0 && ox <= columns.last; ox++) {
                i32 kx = place_in(x, w.pad_left, w.stride_x, w.dilation_x, ox);
                if (kx < 0)
                    continue;
                View view(p, oy, ox);
                float dy = p.dy[(((i64)sample * w.output_height + oy) * w.output_width + ox) * p.channels.value + c];
                if (p.op != Max)
                    sum = add(sum, multiply(dy, view.scale(p)));
                else if (wins(p, view, picture, ky, kx))
                    sum = add(sum, dy);
            }
        }
        p.dx[i] = sum;
    }
}
