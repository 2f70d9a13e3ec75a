// Products with a matrix b of brain floats.
#include "product_mma.cuh"

KERNEL __launch_bounds__(256, 2) packed_bf16_128(const Product p) { product<128, Bf16, float, u16>(p); }
KERNEL __launch_bounds__(128, 4) packed_bf16_64(const Product p) { product<64, Bf16, float, u16>(p); }
KERNEL __launch_bounds__(64) packed_bf16_32(const Product p) { product<32, Bf16, float, u16>(p); }
