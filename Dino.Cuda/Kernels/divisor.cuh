// Division by a number that the host knows (Granlund and Montgomery 1994): a product, a sum and a shift.
#pragma once
#include "cuda.cuh"

struct Divisor { u32 value, multiplier, shift; };

// n / d for n below 2^31.
__device__ __forceinline__ u32 divide(u32 n, const Divisor& d) { return (__nvvm_mulhi_ui(n, d.multiplier) + n) >> d.shift; }

// n becomes n / d; returns what is left.
__device__ __forceinline__ u32 split(u32& n, const Divisor& d) {
    u32 quotient = divide(n, d), rest = n - quotient * d.value;
    n = quotient;
    return rest;
}
