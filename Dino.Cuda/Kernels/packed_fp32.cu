// Products with a matrix b of brain floats.
#include "product_exact.cuh"

KERNEL __launch_bounds__(256, 2) packed_fp32_128(const Product p) { product<128, u16>(p); }
KERNEL __launch_bounds__(128, 4) packed_fp32_64(const Product p) { product<64, u16>(p); }
KERNEL __launch_bounds__(64) packed_fp32_32(const Product p) { product<32, u16>(p); }
