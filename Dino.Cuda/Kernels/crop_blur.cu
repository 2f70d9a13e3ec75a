// Gaussian blur of views as Pillow does it: three box blurs along the rows, then three along the columns, each rounded to bytes. A block has a few lines
// of a channel in shared memory, twice: a pass reads one and writes the other.
#include "crops.cuh"
#include "divisor.cuh"

constexpr int Threads = 256, Passes = 3;

struct Blur {
    const CropTask* tasks;
    u8* planes;
    float* y;
    i64 plane_stride;
    i32 side;
    // Lines of a block, and how many bytes of shared memory lie together: a row, or one byte of each column.
    i32 lines;
    Divisor inner;
    Normalization normalization;
};

extern __shared__ u8 blur_memory[] __attribute__((aligned(16)));

// The value at a position of a line, whose bytes are `step` apart.
__device__ __forceinline__ u8 box_blurred(const Crop& crop, const u8* line, int step, int position, int side) {
    u32 full = 0;
    for (int i = position - crop.blur_radius; i <= position + crop.blur_radius; i++)
        full += line[clamp(i, 0, side - 1) * step];
    u32 edge = (u32)line[max(position - crop.blur_radius - 1, 0) * step] + line[min(position + crop.blur_radius + 1, side - 1) * step];
    // Sums reach 2^32: the shift is unsigned.
    return (u8)((full * crop.blur_full + edge * crop.blur_edge + (1u << 23)) >> 24);
}

// Blurs what lies in the first half of the memory; returns where the result is.
template <bool IsRow>
__device__ __forceinline__ const u8* blur(const Blur& a, const Crop& crop, int bytes) {
    u8 *from = blur_memory, *to = blur_memory + bytes;
#pragma unroll
    for (int pass = 0; pass < Passes; pass++) {
        barrier();
        for (int i = (int)thread_x(); i < bytes; i += Threads) {
            u32 outer = (u32)i;
            int inner = (int)split(outer, a.inner);
            const u8* line = IsRow ? from + (i - inner) : from + inner;
            to[i] = box_blurred(crop, line, IsRow ? 1 : (int)a.inner.value, IsRow ? inner : (int)outer, a.side);
        }
        u8* swap = from;
        from = to;
        to = swap;
    }
    return from;
}

// Blocks are views, groups of rows, and channels.
KERNEL __launch_bounds__(Threads) crop_blur_rows(const Blur a) {
    const Crop& crop = a.tasks[block_x()].crop;
    if (crop.blur_full == 0)
        return;
    int first = (int)block_y() * a.lines, bytes = min(a.lines, a.side - first) * a.side;
    u8* plane = a.planes + ((i64)block_x() * 3 + block_z()) * a.plane_stride + (i64)first * a.side;
    for (int i = (int)thread_x(); i < bytes; i += Threads)
        blur_memory[i] = plane[i];
    const u8* result = blur<true>(a, crop, bytes);
    // A thread reads what it wrote itself.
    for (int i = (int)thread_x(); i < bytes; i += Threads)
        plane[i] = result[i];
}

// Blocks are views, groups of columns, and channels; the columns of the last group that do not exist are copies of the last one.
KERNEL __launch_bounds__(Threads) crop_blur_columns(const Blur a) {
    const Crop& crop = a.tasks[block_x()].crop;
    if (crop.blur_full == 0)
        return;
    int first = (int)block_y() * a.lines, bytes = a.lines * a.side;
    i64 channel = (i64)block_x() * 3 + block_z();
    const u8* plane = a.planes + channel * a.plane_stride;
    for (int i = (int)thread_x(); i < bytes; i += Threads) {
        u32 row = (u32)i;
        int column = first + (int)split(row, a.inner);
        blur_memory[i] = plane[(i64)row * a.side + min(column, a.side - 1)];
    }
    const u8* result = blur<false>(a, crop, bytes);
    float mean = a.normalization.mean[0], deviation = a.normalization.deviation[0];
    if (block_z() > 0) {
        mean = block_z() == 1 ? a.normalization.mean[1] : a.normalization.mean[2];
        deviation = block_z() == 1 ? a.normalization.deviation[1] : a.normalization.deviation[2];
    }
    float* y = a.y + channel * a.side * a.side;
    for (int i = (int)thread_x(); i < bytes; i += Threads) {
        u32 row = (u32)i;
        int column = first + (int)split(row, a.inner);
        if (column < a.side)
            y[(i64)row * a.side + column] = normalized(solarized(result[i], crop.threshold), mean, deviation);
    }
}
