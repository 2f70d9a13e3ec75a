// DINO cross-entropy over K prototypes (65536) of student logits [S·B, K] and teacher logits [T·B, K], view-major; see DinoLoss of Backend. Nothing K wide
// is stored but the gradient. q = softmax((teacher - centre) / teacherTemperature), p = softmax(student / studentTemperature).
//   dino_teacher   a block a teacher row: its sums and its entropy.
//   dino_cross     a block a chunk of one sample: for each student view Σ exp and Σ q · student over the targets of all its teachers.
//   dino_total     one block: joins the chunks of each student row; loss and entropy.
//   dino_gradient  a block a chunk of one sample: dstudent = gain (n p - Σ q).
// A thread keeps the targets of its columns in registers while the student views pass. Sums are float in a thread and a warp, double across chunks.
#include "dino_logits.cuh"
#include "math.cuh"
#include "reduce.cuh"
#include "sums.cuh"

constexpr int RowThreads = 1024, CrossThreads = 256, TotalThreads = 1024;
// Float4s of a row that a thread takes at a time.
constexpr int RowFours = 2, CrossFours = 4, GradientFours = 2;

struct DinoTeacher {
    Logits logits;
    float *sums, *entropies;
    float inverseTemperature;
};

// Σ e and Σ e (z - top) over e = exp((z - top) / temperature): what is known of a row so far.
struct Softmax {
    float top = Missing, sum = 0.f, dot = 0.f;

    __device__ __forceinline__ void move_to(float top, float rate) {
        float shift = this->top - top, scale = exp2_fast(shift * rate);
        dot = fma(shift, sum, dot) * scale;
        sum *= scale;
        this->top = top;
    }

    // A thread's columns of a tile.
    template <bool Whole>
    __device__ __forceinline__ void add(const Logits& l, int tile) {
        float z[4 * RowFours], e[4 * RowFours];
        load_centred<Whole, RowFours>(l, block_x(), tile, z);
        move_to(max(top, largest(z)), l.teacherRate);
#pragma unroll
        for (int i = 0; i < 4 * RowFours; i++) {
            float v = z[i] - top;
            e[i] = exp2_fast(v * l.teacherRate);
            z[i] = e[i] * v;
        }
        sum += ::sum(e);
        dot += ::sum(z);
    }
};

KERNEL __launch_bounds__(RowThreads) dino_teacher(const DinoTeacher a) {
    __shared__ float scratch[WarpSize];
    const Logits& l = a.logits;
    constexpr int Length = 4 * RowFours * RowThreads;
    Softmax row;
    for (int tile = 0; tile < l.columns; tile += Length) {
        if (is_whole(l, tile, Length))
            row.add<true>(l, tile);
        else
            row.add<false>(l, tile);
    }
    row.move_to(over_block<Largest>(row.top, scratch), l.teacherRate);
    float sum = over_block<Sum>(row.sum, scratch), dot = over_block<Sum>(row.dot, scratch);
    if (thread_x() != 0)
        return;
    a.sums[block_x()] = row.top;
    a.sums[(i64)l.teachers * l.batch + block_x()] = sum;
    // -Σ q log q with log q = (z - top) / temperature - log Σ.
    a.entropies[block_x()] = log(sum) - dot / sum * a.inverseTemperature;
}

// chunkSums [S·B, chunks]: largest logit, Σ exp((x - largest) / temperature), Σ q (x - largest), Σ q.
struct DinoCross {
    Logits logits;
    const float* teacherSums;
    float4* chunkSums;
    i32 chunks;
};

template <bool Whole>
__device__ __forceinline__ void cross(const DinoCross& a, int tile, float4 (&warps)[2][CrossThreads / WarpSize]) {
    constexpr int Warps = CrossThreads / WarpSize, Count = 4 * CrossFours;
    const Logits& l = a.logits;
    int sample = block_x() / a.chunks, chunk = block_x() % a.chunks;
    float q[Count], weight = 0.f;
    for (int s = 0; s < l.students; s++) {
        // The view that no teacher shares, and all after it, meet the same targets.
        if (s <= l.teachers) {
            sum_targets<Whole, CrossFours>(l, a.teacherSums, sample, s, tile, q);
            weight = over_warp<Sum>(sum(q));
        }

        i64 row = (i64)s * l.batch + sample;
        float x[Count], e[Count];
        load<Whole, CrossFours>(l.student + row * l.columns, tile, l.columns, Missing, x);
        float top = over_warp<Largest>(largest(x));
#pragma unroll
        for (int i = 0; i < Count; i++) {
            float v = x[i] - top;
            e[i] = exp2_fast(v * l.studentRate);
            x[i] = q[i] * v;
        }
        float exponentials = over_warp<Sum>(sum(e)), dot = over_warp<Sum>(sum(x));

        // Two buffers in turn: what a warp reads here is written again behind the next barrier at the earliest. A warp a view joins them.
        if (lane() == 0)
            warps[s % 2][warp()] = float4{top, exponentials, dot, weight};
        barrier();
        if ((int)warp() == s % Warps) {
            float4 part = warps[s % 2][lane() % Warps];
            top = part.x;
#pragma unroll
            for (int mask = Warps / 2; mask > 0; mask /= 2)
                top = max(top, shuffle_xor(top, mask));
            float shift = part.x - top;
            float4 all = {top, part.y * exp2_fast(shift * l.studentRate), fma(shift, part.w, part.z), part.w};
#pragma unroll
            for (int mask = Warps / 2; mask > 0; mask /= 2) {
                all.y += shuffle_xor(all.y, mask);
                all.z += shuffle_xor(all.z, mask);
                all.w += shuffle_xor(all.w, mask);
            }
            if (lane() == 0)
                a.chunkSums[row * a.chunks + chunk] = all;
        }
    }
}

KERNEL __launch_bounds__(CrossThreads) dino_cross(const DinoCross a) {
    __shared__ float4 warps[2][CrossThreads / WarpSize];
    constexpr int Length = 4 * CrossFours * CrossThreads;
    int tile = block_x() % a.chunks * Length;
    if (is_whole(a.logits, tile, Length))
        cross<true>(a, tile, warps);
    else
        cross<false>(a, tile, warps);
}

// studentSums [2, S·B]; entropies [T·B] of the teacher's rows.
struct DinoTotal {
    const float4* chunkSums;
    const float* entropies;
    float *studentSums, *loss, *entropy;
    double inverseTemperature, inverseDivisor;
    i32 students, teachers, batch, chunks;
    float studentRate;
};

// Σ over the teachers of one student row of -Σ q log p = n log Σ exp((x - top) / temperature) - Σ q (x - top) / temperature: no term grows with a shift
// of the logits. Since Σ q = 1, shifts between chunks use the sums of q as they were computed.
__device__ __forceinline__ double row_loss(const DinoTotal& a, i64 row) {
    const float4* chunks = a.chunkSums + row * a.chunks;
    float top = chunks[0].x;
    for (int i = 1; i < a.chunks; i++)
        top = max(top, chunks[i].x);
    double sum = 0, dot = 0;
    for (int i = 0; i < a.chunks; i++) {
        float4 part = chunks[i];
        float shift = part.x - top;
        sum += part.y * exp2_fast(shift * a.studentRate);
        dot += part.z + (double)shift * part.w;
    }
    a.studentSums[row] = top;
    a.studentSums[(i64)a.students * a.batch + row] = (float)sum;
    int count = row < (i64)a.teachers * a.batch ? a.teachers - 1 : a.teachers;
    return (double)count * log((float)sum) - dot * a.inverseTemperature;
}

KERNEL __launch_bounds__(TotalThreads) dino_total(const DinoTotal a) {
    __shared__ double scratch[WarpSize];
    double loss = 0, entropy = 0;
    for (i64 row = thread_x(); row < (i64)a.students * a.batch; row += TotalThreads)
        loss += row_loss(a, row);
    for (i64 row = thread_x(); row < (i64)a.teachers * a.batch; row += TotalThreads)
        entropy += a.entropies[row];
    loss = sum_over_block(loss, scratch);
    entropy = sum_over_block(entropy, scratch);
    if (thread_x() == 0) {
        *a.loss = (float)(loss * a.inverseDivisor);
        *a.entropy = (float)(entropy / ((double)a.teachers * a.batch));
    }
}

// dloss [1] is read here: nobody waits for it. scale = 1 / (temperature · divisor).
struct DinoGradient {
    Logits logits;
    const float *studentSums, *teacherSums, *dloss;
    float* dstudent;
    double scale;
    i32 chunks, accumulate;
};

template <bool Whole>
__device__ __forceinline__ void gradient(const DinoGradient& a, int tile) {
    constexpr int Count = 4 * GradientFours;
    const Logits& l = a.logits;
    int sample = block_x() / a.chunks;
    float gain = (float)(*a.dloss * a.scale), q[Count];
    for (int s = 0; s < l.students; s++) {
        if (s <= l.teachers)
            sum_targets<Whole, GradientFours>(l, a.teacherSums, sample, s, tile, q);
        i64 row = (i64)s * l.batch + sample;
        int count = s < l.teachers ? l.teachers - 1 : l.teachers;
        float top = a.studentSums[row], probabilityGain = (float)count * gain / a.studentSums[(i64)l.students * l.batch + row];
        float x[Count], before[Count];
        load<Whole, GradientFours>(l.student + row * l.columns, tile, l.columns, Missing, x);
        if (a.accumulate)
            load<Whole, GradientFours>(a.dstudent + row * l.columns, tile, l.columns, 0.f, before);
#pragma unroll
        for (int i = 0; i < Count; i++) {
            float p = exp2_fast((x[i] - top) * l.studentRate);
            x[i] = fma(p, probabilityGain, q[i] * -gain);
            if (a.accumulate)
                x[i] += before[i];
        }
        store<Whole, GradientFours>(a.dstudent + row * l.columns, tile, l.columns, x);
    }
}

KERNEL __launch_bounds__(CrossThreads) dino_gradient(const DinoGradient a) {
    constexpr int Length = 4 * GradientFours * CrossThreads;
    int tile = block_x() % a.chunks * Length;
    if (is_whole(a.logits, tile, Length, (u64)a.dstudent))
        gradient<true>(a, tile);
    else
        gradient<false>(a, tile);
}
