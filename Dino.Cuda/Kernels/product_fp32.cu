#include "product_exact.cuh"

KERNEL __launch_bounds__(256, 2) product_fp32_128(const Product p) { product<128, float>(p); }
KERNEL __launch_bounds__(128, 4) product_fp32_64(const Product p) { product<64, float>(p); }
KERNEL __launch_bounds__(64) product_fp32_32(const Product p) { product<32, float>(p); }
