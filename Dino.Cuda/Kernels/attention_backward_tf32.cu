#include "attention_backward.cuh"
#include "attention_mma.cuh"

KERNEL __launch_bounds__(128) attention_queries_tf32_64(const AttentionBackward a) { attend_backward<Tensor<Tf32, 64, 64, 64>, false>(a); }
KERNEL __launch_bounds__(128) attention_keys_tf32_64(const AttentionBackward a) { attend_backward<Tensor<Tf32, 64, 64, 64>, true>(a); }
KERNEL __launch_bounds__(64) attention_queries_tf32_128(const AttentionBackward a) { attend_backward<Tensor<Tf32, 128, 32, 32>, false>(a); }
KERNEL __launch_bounds__(64) attention_keys_tf32_128(const AttentionBackward a) { attend_backward<Tensor<Tf32, 128, 32, 32>, true>(a); }
