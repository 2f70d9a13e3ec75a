// Rows of floats as bytes, by the rule of Quantization in Dino.Tensors, operation by operation: all devices get the same integers. A warp has a row. Bytes go
// on to the end of the stored row, with zeros. A row with NaN or infinity gets NaN for a scale.
#include "math.cuh"
#include "reduce.cuh"

struct Quantize {
    const float* x;  // [rows, columns]
    u32* bytes;      // [rows, words]
    float* scales;   // [rows]
    float* others;   // [rows]: the least value of an input, or the scale times the sum of the integers of a weight.
    i64 rows;
    int columns, words;
};

constexpr float WeightLevels = 127, WeightShift = 128.5f, InputLevels = 255, InputShift = 0.5f, SmallestRange = 1e-30f;

// The walk of a warp over rows; all lanes stay together.
struct RowWalk {
    i64 row, step;

    __device__ __forceinline__ RowWalk() : row(walk_start() / WarpSize), step(walk_step() / WarpSize) {}
};

// Truncated as the CPU does; NaN, whose row is NaN anyway, gives some byte.
__device__ __forceinline__ u32 byte(float x) { return (u32)(i32)min(max(x, 0.f), 255.f); }

KERNEL quantize_input(const Quantize a) {
    for (RowWalk walk; walk.row < a.rows; walk.row += walk.step) {
        const float* x = a.x + walk.row * a.columns;
        float least = Infinity, largest = -Infinity, spoiled = 0.f;
        for (int i = (int)lane(); i < a.columns; i += WarpSize) {
            least = min(least, x[i]);
            largest = max(largest, x[i]);
            // 0 for numbers, NaN for NaN and infinities: minima and maxima lose a NaN.
            spoiled = fma(x[i], 0.f, spoiled);
        }
        least = -over_warp<Largest>(-least);
        largest = over_warp<Largest>(largest);
        float range = max(largest - least, SmallestRange) + over_warp<Sum>(spoiled), factor = InputLevels / range;
        for (int word = (int)lane(); word < a.words; word += WarpSize) {
            u32 four = 0;
#pragma unroll
            for (int j = 0; j < 4; j++)
                if (4 * word + j < a.columns)
                    four |= byte(add(multiply(x[4 * word + j] - least, factor), InputShift)) << (8 * j);
            a.bytes[walk.row * a.words + word] = four;
        }
        if (lane() == 0) {
            a.scales[walk.row] = range * (1.f / InputLevels);
            a.others[walk.row] = least;
        }
    }
}

KERNEL quantize_weight(const Quantize a) {
    for (RowWalk walk; walk.row < a.rows; walk.row += walk.step) {
        const float* w = a.x + walk.row * a.columns;
        float largest = 0.f, spoiled = 0.f;
        for (int i = (int)lane(); i < a.columns; i += WarpSize) {
            largest = max(largest, abs(w[i]));
            spoiled = fma(w[i], 0.f, spoiled);
        }
        float most = max(over_warp<Largest>(largest), SmallestRange) + over_warp<Sum>(spoiled), factor = WeightLevels / most, scale = most * (1.f / WeightLevels);
        // Sums of integers below 2^24 are exact as floats: up to 132104 inputs.
        float sum = 0.f;
        for (int word = (int)lane(); word < a.words; word += WarpSize) {
            u32 four = 0;
#pragma unroll
            for (int j = 0; j < 4; j++)
                if (4 * word + j < a.columns) {
                    i32 integer = (i32)byte(add(multiply(w[4 * word + j], factor), WeightShift)) - 128;
                    sum += (float)integer;
                    four |= ((u32)integer & 0xffu) << (8 * j);
                }
            a.bytes[walk.row * a.words + word] = four;
        }
        sum = over_warp<Sum>(sum);
        if (lane() == 0) {
            a.scales[walk.row] = scale;
            a.others[walk.row] = scale * sum;
        }
    }
}
