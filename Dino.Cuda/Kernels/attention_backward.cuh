// The gradient of attention, from its log-sum-exps: see attention.cuh.
#pragma once
#include "attention.cuh"

struct AttentionBackward {
    const void* qkv;
    const void* dy;            // [B, N, H, D]
    const float* log_sum_exp;  // [B, H, N]
    const float* dots;         // [B, H, N]: Σ dy y
    void* dqkv;
    Heads heads;
    u32 accumulate;
};

// Half of the gradient: dq of some queries, or dk and dv of some keys. With P = exp(scale q kᵀ - log-sum-exp), dP = dy vᵀ and dS = P (dP - Σ dy y):
// dq = scale dS k, dk = scale dSᵀ q, dv = Pᵀ dy. Every sum is formed by one thread, in the order of columns.
template <class Machine, bool AreKeys, class Element = float>
__device__ __forceinline__ void attend_backward(const AttentionBackward& a) {
    constexpr int R = Machine::Rows, C = Machine::Columns, D = Machine::Depth, Threads = 2 * R;
    // Rows of k against q and of v against dy, or the other way round.
    struct Memory {
        typename Machine::template Tile<R> rows, other_rows;
        typename Machine::template Tile<C> columns, other_columns;
        float log_sum_exp[C], dots[C];
        typename Machine::Exchange exchange;
    };
    Memory& memory = *(Memory*)attention_memory;
    HeadPlace place(a.heads, R);
    int width = a.heads.width(), stride = 3 * width;
    const Element *queries = (const Element*)a.qkv + place.packed, *keys = queries + width, *values = keys + width, *dy = (const Element*)a.dy + place.plain;
    bring<R, D, Threads>(memory.rows, AreKeys ? keys : queries, stride, place.first, a.heads);
    bring<R, D, Threads>(memory.other_rows, AreKeys ? values : dy, AreKeys ? stride : width, place.first, a.heads);

    Machine machine;
    float shift[Machine::RowSlots], dot[Machine::RowSlots];
    float sums[Machine::RowSlots][Machine::DepthSlots], other_sums[Machine::RowSlots][Machine::DepthSlots];
#pragma unroll
    for (int i = 0; i < Machine::RowSlots; i++) {
        int row = place.first + machine.row(i);
        bool is_query = !AreKeys && row < a.heads.tokens;
        shift[i] = is_query ? a.log_sum_exp[place.column + row] : 0.f;
        dot[i] = is_query ? a.dots[place.column + row] : 0.f;
#pragma unroll
        for (int k = 0; k < Machine::DepthSlots; k++)
            sums[i][k] = other_sums[i][k] = 0.f;
    }
#pragma unroll 1
    for (int first = 0; first < a.heads.tokens; first += C) {
        barrier();
        bring<C, D, Threads>(memory.columns, AreKeys ? queries : keys, stride, first, a.heads);
        bring<C, D, Threads>(memory.other_columns, AreKeys ? dy : values, AreKeys ? width : stride, first, a.heads);
        if (AreKeys && thread_x() < C) {
            int query = first + (int)thread_x();
            bool exists = query < a.heads.tokens;
            memory.log_sum_exp[thread_x()] = exists ? a.log_sum_exp[place.column + query] : 0.f;
            memory.dots[thread_x()] = exists ? a.dots[place.column + query] : 0.f;
        }
        barrier();
        float p[Machine::RowSlots][Machine::ColumnSlots], ds[Machine::RowSlots][Machine::ColumnSlots];
        machine.score(p, memory.rows, memory.columns);
        machine.score(ds, memory.other_rows, memory.other_columns);
#pragma unroll
        for (int j = 0; j < Machine::ColumnSlots; j++) {
            bool exists = first + machine.column(j) < a.heads.tokens;
            float column_shift = AreKeys ? memory.log_sum_exp[machine.column(j)] : 0.f, column_dot = AreKeys ? memory.dots[machine.column(j)] : 0.f;
#pragma unroll
            for (int i = 0; i < Machine::RowSlots; i++) {
                float x = a.heads.scale * p[i][j] - (AreKeys ? column_shift : shift[i]);
                p[i][j] = exists ? Machine::exponential(x) : 0.f;
                ds[i][j] = p[i][j] * (ds[i][j] - (AreKeys ? column_dot : dot[i]));
            }
        }
        machine.weigh(sums, ds, memory.columns, memory.exchange);
        if (AreKeys)
            machine.weigh(other_sums, p, memory.other_columns, memory.exchange);
    }
#pragma unroll
    for (int i = 0; i < Machine::RowSlots; i++) {
        int row = place.first + machine.row(i);
        if (row >= a.heads.tokens)
            continue;
        Element* to = (Element*)a.dqkv + place.packed + (i64)row * stride;
        machine.store(sums[i], AreKeys ? to + width : to, a.heads.scale, a.heads, a.accumulate != 0);
        if (AreKeys)
            machine.store(other_sums[i], to + 2 * width, 1.f, a.heads, a.accumulate != 0);
    }
}
