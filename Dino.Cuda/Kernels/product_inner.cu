#include "product_mma.cuh"

KERNEL __launch_bounds__(256, 2) product_inner_128(const Product p) { product<128, Bf16, u16, u16>(p); }
KERNEL __launch_bounds__(128, 4) product_inner_64(const Product p) { product<64, Bf16, u16, u16>(p); }
KERNEL __launch_bounds__(64) product_inner_32(const Product p) { product<32, Bf16, u16, u16>(p); }
