#include "attention_backward.cuh"
#include "attention_mma.cuh"

KERNEL __launch_bounds__(128) attention_queries_inner_64(const AttentionBackward a) { attend_backward<Tensor<Bf16, 64, 64, 64>, false, u16>(a); }
KERNEL __launch_bounds__(128) attention_keys_inner_64(const AttentionBackward a) { attend_backward<Tensor<Bf16, 64, 64, 64>, true, u16>(a); }
KERNEL __launch_bounds__(64) attention_queries_inner_128(const AttentionBackward a) { attend_backward<Tensor<Bf16, 128, 32, 32>, false, u16>(a); }
KERNEL __launch_bounds__(64) attention_keys_inner_128(const AttentionBackward a) { attend_backward<Tensor<Bf16, 128, 32, 32>, true, u16>(a); }
