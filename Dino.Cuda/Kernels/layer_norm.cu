#include "layer_norm.cuh"

ROW_KERNELS(layer_norm, LayerNorm)
KERNEL __launch_bounds__(256) layer_norm_block_held(const LayerNorm a) { layer_norm<BlockGroup, 4, 4>(a); }
ROW_KERNELS(layer_norm_gradient, LayerNormGradient)
KERNEL __launch_bounds__(256) layer_norm_gradient_block_held(const LayerNormGradient a) { layer_norm_gradient<BlockGroup, 4, 4>(a); }
KERNEL __launch_bounds__(256) layer_norm_gradients_512(const LayerNormGradient a) { layer_norm_gradients<4>(a); }
KERNEL __launch_bounds__(256) layer_norm_gradients_1024(const LayerNormGradient a) { layer_norm_gradients<8>(a); }
