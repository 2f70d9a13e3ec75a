// Rows and columns of a walk over [R, C], of which neither has a limit.
#pragma once
#include "cuda.cuh"

// Where a thread is that walks in steps of the whole grid, without dividing at every step.
struct Position {
    i64 row, column, row_step, column_step, columns;

    __device__ __forceinline__ Position(i64 columns) : columns(columns) {
        row = walk_start() / columns;
        column = walk_start() - row * columns;
        row_step = walk_step() / columns;
        column_step = walk_step() - row_step * columns;
    }

    __device__ __forceinline__ void advance() {
        row += row_step;
        column += column_step;
        if (column >= columns) {
            column -= columns;
            row++;
        }
    }
};
