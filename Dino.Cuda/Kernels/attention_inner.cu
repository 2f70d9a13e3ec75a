#include "attention_forward.cuh"
#include "attention_mma.cuh"

KERNEL __launch_bounds__(128) attention_inner_64(const AttentionForward a) { attend<Tensor<Bf16, 64, 64, 64>, u16>(a); }
KERNEL __launch_bounds__(128) attention_inner_128(const AttentionForward a) { attend<Tensor<Bf16, 128, 64, 32>, u16>(a); }
