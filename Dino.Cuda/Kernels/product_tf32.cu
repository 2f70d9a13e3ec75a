#include "product_mma.cuh"

KERNEL __launch_bounds__(256, 2) product_tf32_128(const Product p) { product<128, Tf32, float, float>(p); }
KERNEL __launch_bounds__(128, 4) product_tf32_64(const Product p) { product<64, Tf32, float, float>(p); }
KERNEL __launch_bounds__(64) product_tf32_32(const Product p) { product<32, Tf32, float, float>(p); }
