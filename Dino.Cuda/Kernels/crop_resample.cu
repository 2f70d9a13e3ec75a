// Boxes of pictures resized to square views as Pillow does it: weights in 22-bit fixed point, rows first, rounded to bytes before columns.
#include "crops.cuh"

constexpr int FractionBits = 22, Tile = 32, Threads = 256, Warps = Threads / WarpSize, PerThread = Tile / Warps;

struct Resample {
    const u8* pictures;
    const CropTask* tasks;
    // Of each view for columns and then for rows, [2 + taps, side]: starts, counts, weights by tap.
    i32* weights;
    u8* planes;
    i64 plane_stride;
    i32 side, filter;
};

__device__ __forceinline__ double filter_support(int filter) { return filter == 0 ? 0.5 : filter == 1 ? 1. : 2.; }

// Operations and their order are those of the CPU, and none is joined with another: the bytes hang on every bit.
__device__ __forceinline__ double filter_weight(int filter, double x) {
    if (filter == 0)
        return x > -0.5 && x <= 0.5 ? 1. : 0.;
    x = __builtin_fabs(x);
    if (filter == 1) {
        double rest = add(1., -x);
        return rest > 0. ? rest : 0.;
    }
    if (x < 1.)
        return add(multiply(multiply(add(multiply(1.5, x), -2.5), x), x), 1.);
    return x < 2. ? multiply(add(multiply(add(multiply(add(x, -5.), x), 8.), x), -4.), -0.5) : 0.;
}

// One target pixel of one axis: a thread. Blocks are views, and pieces of columns and then rows.
KERNEL __launch_bounds__(Threads) crop_weights(const Resample a) {
    const CropTask& task = a.tasks[block_x()];
    int i = (int)(block_y() * Threads + thread_x());
    if (i >= 2 * a.side)
        return;
    bool is_row = i >= a.side;
    int target = is_row ? i - a.side : i, length = is_row ? task.crop.height : task.crop.width;
    int position = task.crop.flip && !is_row ? a.side - 1 - target : target;
    double scale = (double)length / (double)a.side, widening = scale > 1. ? scale : 1.;
    double support = multiply(filter_support(a.filter), widening), inverse = 1. / widening;
    double center = multiply(add((double)position, 0.5), scale);
    int start = max(0, (int)add(add(center, -support), 0.5));
    int count = min(length, (int)add(add(center, support), 0.5)) - start;
    i32 before = is_row ? 2 + task.column_taps : 0;
    i32* table = a.weights + task.weights + (i64)before * a.side + target;
    table[0] = start;
    table[a.side] = count;
    double sum = 0.;
    for (int t = 0; t < count; t++)
        sum = add(sum, filter_weight(a.filter, multiply(add(add((double)(t + start), -center), 0.5), inverse)));
    for (int t = 0; t < count; t++) {
        double weight = filter_weight(a.filter, multiply(add(add((double)(t + start), -center), 0.5), inverse));
        weight = multiply(sum != 0. ? weight / sum : weight, (double)(1 << FractionBits));
        table[(i64)(2 + t) * a.side] = (i32)add(weight, weight < 0. ? -0.5 : 0.5);
    }
}

__device__ __forceinline__ u8 to_byte(i32 sum) { return (u8)clamp(sum >> FractionBits, 0, 255); }

// A tile of a view: a block. It walks over the rows of the box that the tile needs, 32 at a time: they become 32 columns wide, and are then added to the
// sums of the target pixels that they belong to. A thread has one column, and four rows of both.
KERNEL __launch_bounds__(Threads) crop_resample(const Resample a) {
    __shared__ u8 narrowed[Tile][3][Tile];
    const CropTask& task = a.tasks[block_x()];
    const Crop& crop = task.crop;
    int side = a.side, x = (int)(block_y() * Tile + lane()), first = (int)(block_z() * Tile), last = min(first + Tile, side) - 1;
    const i32* columns = a.weights + task.weights;
    const i32* rows = columns + (i64)(2 + task.column_taps) * side;
    int column = min(x, side - 1), column_start = columns[column], column_count = columns[side + column];
    const i32* column_weights = columns + 2 * (i64)side + column;
    const u8* box = a.pictures + crop.pixels + 3 * ((i64)crop.top * crop.picture_width + crop.left + column_start);
    constexpr i32 rounding = 1 << (FractionBits - 1);
    i32 sums[PerThread][3];
#pragma unroll
    for (int k = 0; k < PerThread; k++)
        sums[k][0] = sums[k][1] = sums[k][2] = rounding;

    int end = rows[last] + rows[side + last];
    for (int row = rows[first]; row < end; row += Tile) {
        i32 narrow[PerThread][3];
        const u8* from[PerThread];
#pragma unroll
        for (int k = 0; k < PerThread; k++) {
            narrow[k][0] = narrow[k][1] = narrow[k][2] = rounding;
            // Rows behind the last are made of it, and not used.
            from[k] = box + 3 * (i64)min(row + (int)warp() + k * Warps, end - 1) * crop.picture_width;
        }
        for (int t = 0; t < column_count; t++) {
            i32 weight = column_weights[(i64)t * side];
#pragma unroll
            for (int k = 0; k < PerThread; k++) {
#pragma unroll
                for (int c = 0; c < 3; c++)
                    narrow[k][c] += weight * from[k][3 * t + c];
            }
        }
        barrier();
#pragma unroll
        for (int k = 0; k < PerThread; k++) {
#pragma unroll
            for (int c = 0; c < 3; c++)
                narrowed[warp() + k * Warps][c][lane()] = to_byte(narrow[k][c]);
        }
        barrier();
#pragma unroll
        for (int k = 0; k < PerThread; k++) {
            int y = min(first + (int)warp() + k * Warps, last), start = rows[y], stop = min(start + rows[side + y], row + Tile);
            const i32* weights = rows + 2 * (i64)side + y;
            for (int r = max(start, row); r < stop; r++) {
                i32 weight = weights[(i64)(r - start) * side];
#pragma unroll
                for (int c = 0; c < 3; c++)
                    sums[k][c] += weight * narrowed[r - row][c][lane()];
            }
        }
    }

#pragma unroll
    for (int k = 0; k < PerThread; k++) {
        int y = first + (int)warp() + k * Warps;
        if (x < side && y <= last) {
            u8* plane = a.planes + (i64)block_x() * 3 * a.plane_stride + (i64)y * side + x;
#pragma unroll
            for (int c = 0; c < 3; c++)
                plane[c * a.plane_stride] = to_byte(sums[k][c]);
        }
    }
}
