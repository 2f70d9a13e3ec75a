#include "attention_forward.cuh"
#include "attention_exact.cuh"

KERNEL __launch_bounds__(128, 3) attention_fp32_64(const AttentionForward a) { attend<Exact<64, 64, 64>>(a); }
KERNEL __launch_bounds__(128, 3) attention_fp32_128(const AttentionForward a) { attend<Exact<128, 64, 32>>(a); }
