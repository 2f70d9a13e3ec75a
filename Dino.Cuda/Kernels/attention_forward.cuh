// y = softmax(scale q kᵀ) v: see attention.cuh.
#pragma once
#include "attention.cuh"

struct AttentionForward {
    const void* qkv;
    void* y;             // [B, N, H, D]
    float* log_sum_exp;  // [B, H, N]
    Heads heads;
};

// y = softmax(scale q kᵀ) v, by the online softmax of Milakov and Gimelshein 2018: sums are scaled anew where a tile has a larger score.
template <class Machine, class Element = float>
__device__ __forceinline__ void attend(const AttentionForward& a) {
    constexpr int R = Machine::Rows, C = Machine::Columns, D = Machine::Depth, Threads = 2 * R;
    struct Memory {
        typename Machine::template Tile<R> queries;
        typename Machine::template Tile<C> keys, values;
        typename Machine::Exchange exchange;
    };
    Memory& memory = *(Memory*)attention_memory;
    HeadPlace place(a.heads, R);
    int width = a.heads.width(), stride = 3 * width;
    const Element* head = (const Element*)a.qkv + place.packed;
    bring<R, D, Threads>(memory.queries, head, stride, place.first, a.heads);

    Machine machine;
    float largest[Machine::RowSlots], total[Machine::RowSlots], sums[Machine::RowSlots][Machine::DepthSlots];
#pragma unroll
    for (int i = 0; i < Machine::RowSlots; i++) {
        largest[i] = -Infinity;
        total[i] = 0.f;
#pragma unroll
        for (int k = 0; k < Machine::DepthSlots; k++)
            sums[i][k] = 0.f;
    }
#pragma unroll 1
    for (int first = 0; first < a.heads.tokens; first += C) {
        barrier();
        bring<C, D, Threads>(memory.keys, head + width, stride, first, a.heads);
        bring<C, D, Threads>(memory.values, head + 2 * width, stride, first, a.heads);
        barrier();
        float s[Machine::RowSlots][Machine::ColumnSlots];
        machine.score(s, memory.queries, memory.keys);
#pragma unroll
        for (int i = 0; i < Machine::RowSlots; i++) {
            float best = largest[i];
#pragma unroll
            for (int j = 0; j < Machine::ColumnSlots; j++) {
                s[i][j] = first + machine.column(j) < a.heads.tokens ? a.heads.scale * s[i][j] : -Infinity;
                best = max(best, s[i][j]);
            }
            best = over_group<Largest, Machine::Group>(best);
            float correction = Machine::exponential(largest[i] - best);
            largest[i] = best;
            total[i] *= correction;
#pragma unroll
            for (int j = 0; j < Machine::ColumnSlots; j++) {
                s[i][j] = Machine::exponential(s[i][j] - best);
                total[i] += s[i][j];
            }
#pragma unroll
            for (int k = 0; k < Machine::DepthSlots; k++)
                sums[i][k] *= correction;
        }
        machine.weigh(sums, s, memory.values, memory.exchange);
    }
#pragma unroll
    for (int i = 0; i < Machine::RowSlots; i++) {
        int row = place.first + machine.row(i);
        float sum = over_group<Sum, Machine::Group>(total[i]);
        if (row >= a.heads.tokens)
            continue;
        machine.store(sums[i], (Element*)a.y + place.plain + (i64)row * width, 1.f / sum, a.heads, false);
        if (lane() % Machine::Group == 0)
            a.log_sum_exp[place.column + row] = largest[i] + log(sum);
    }
}
