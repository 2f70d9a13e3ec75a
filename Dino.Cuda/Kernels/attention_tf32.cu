#include "attention_forward.cuh"
#include "attention_mma.cuh"

KERNEL __launch_bounds__(128, 3) attention_tf32_64(const AttentionForward a) { attend<Tensor<Tf32, 64, 64, 64>>(a); }
KERNEL __launch_bounds__(128, 3) attention_tf32_128(const AttentionForward a) { attend<Tensor<Tf32, 128, 64, 32>>(a); }
