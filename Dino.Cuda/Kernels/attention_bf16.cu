#include "attention_forward.cuh"
#include "attention_mma.cuh"

KERNEL __launch_bounds__(128, 3) attention_bf16_64(const AttentionForward a) { attend<Tensor<Bf16, 64, 64, 64>>(a); }
KERNEL __launch_bounds__(128, 3) attention_bf16_128(const AttentionForward a) { attend<Tensor<Bf16, 128, 64, 32>>(a); }
