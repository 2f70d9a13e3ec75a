// Windows of pictures [N, H, W, C] unrolled into rows [N·OH·OW, KH·KW·C], and back. A thread takes one element at a time, or four that lie together on
// both sides; lengths and strides count such units.
#include "windows.cuh"

struct Unroll {
    const float* x;
    float* y;
    // Units between samples, picture rows, windows and kernel columns of x; what padding moves the first window to the left.
    i64 sample, row, window_step, kernel_step, pad;
    u32 count;
    // Columns of y from the innermost axis on: run is C, or KW·C with a kernel width of 1 where a window's row is one run of memory.
    Divisor run, kernel_width, kernel_height, output_width, output_height;
    i32 height, width;
    Window window;
};

struct Roll {
    const float* dy;
    float* dx;
    u32 count;
    Divisor channels, width, height;
    Window window;
    u32 accumulate;
};

using Floats4 = float __attribute__((ext_vector_type(4)));

template <class T>
__device__ __forceinline__ void unroll(const Unroll& u) {
    const Window& w = u.window;
    for (u32 i = (u32)walk_start(); i < u.count; i += (u32)walk_step()) {
        u32 n = i;
        i32 c = split(n, u.run), kx = split(n, u.kernel_width), ky = split(n, u.kernel_height), ox = split(n, u.output_width), oy = split(n, u.output_height);
        i32 x = ox * w.stride_x - w.pad_left + kx * w.dilation_x, y = oy * w.stride_y - w.pad_top + ky * w.dilation_y;
        bool isInside = (u32)x < (u32)u.width && (u32)y < (u32)u.height;
        T value = {};
        if (isInside)
            value = ((const T*)u.x)[n * u.sample + y * u.row + ox * u.window_step + kx * u.kernel_step - u.pad + c];
        ((T*)u.y)[i] = value;
    }
}

KERNEL unroll_windows_4(const Unroll u) { unroll<float>(u); }
KERNEL unroll_windows_16(const Unroll u) { unroll<Floats4>(u); }

// A thread gathers a pixel from all windows over it, kernel rows outermost: nothing is written twice, and the order is fixed.
template <class T>
__device__ __forceinline__ void roll(const Roll& r) {
    const Window& w = r.window;
    for (u32 i = (u32)walk_start(); i < r.count; i += (u32)walk_step()) {
        u32 sample = i;
        i32 c = split(sample, r.channels), x = split(sample, r.width), y = split(sample, r.height);
        Span rows = windows_over(y, w.pad_top, w.stride_y, w.kernel_height, w.dilation_y, w.output_height);
        Span columns = windows_over(x, w.pad_left, w.stride_x, w.kernel_width, w.dilation_x, w.output_width);
        T sum = {};
        if (r.accumulate)
            sum = ((const T*)r.dx)[i];
        for (i32 oy = rows.last; oy >= rows.first; oy--) {
            i32 ky = place_in(y, w.pad_top, w.stride_y, w.dilation_y, oy);
            for (i32 ox = columns.first; ky >= 0 && ox <= columns.last; ox++) {
                i32 kx = place_in(x, w.pad_left, w.stride_x, w.dilation_x, ox);
                i64 window = ((i64)sample * w.output_height + oy) * w.output_width + ox;
                if (kx >= 0)
                    sum += ((const T*)r.dy)[((window * w.kernel_height + ky) * w.kernel_width + kx) * r.channels.value + c];
            }
        }
        ((T*)r.dx)[i] = sum;
    }
}

KERNEL roll_windows_4(const Roll r) { roll<float>(r); }
KERNEL roll_windows_16(const Roll r) { roll<Floats4>(r); }
