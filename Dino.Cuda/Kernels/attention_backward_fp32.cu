#include "attention_backward.cuh"
#include "attention_exact.cuh"

KERNEL __launch_bounds__(128) attention_queries_fp32_64(const AttentionBackward a) { attend_backward<Exact<64, 64, 64>, false>(a); }
KERNEL __launch_bounds__(128) attention_keys_fp32_64(const AttentionBackward a) { attend_backward<Exact<64, 64, 64>, true>(a); }
KERNEL __launch_bounds__(64) attention_queries_fp32_128(const AttentionBackward a) { attend_backward<Exact<128, 32, 32>, false>(a); }
KERNEL __launch_bounds__(64) attention_keys_fp32_128(const AttentionBackward a) { attend_backward<Exact<128, 32, 32>, true>(a); }
