// With y, or dy, of brain floats.
#include "layer_norm.cuh"

template <class Group, int W, int S>
__device__ __forceinline__ void layer_norm_inner(const LayerNorm& a) { layer_norm<Group, W, S, u16>(a); }

template <class Group, int W, int S>
__device__ __forceinline__ void layer_norm_inner_gradient(const LayerNormGradient& a) { layer_norm_gradient<Group, W, S, u16>(a); }

ROW_KERNELS(layer_norm_inner, LayerNorm)
KERNEL __launch_bounds__(256) layer_norm_inner_block_held(const LayerNorm a) { layer_norm_inner<BlockGroup, 4, 4>(a); }
ROW_KERNELS(layer_norm_inner_gradient, LayerNormGradient)
KERNEL __launch_bounds__(256) layer_norm_inner_gradient_block_held(const LayerNormGradient a) { layer_norm_inner_gradient<BlockGroup, 4, 4>(a); }
KERNEL __launch_bounds__(256) layer_norm_inner_gradients_512(const LayerNormGradient a) { layer_norm_gradients<4, u16>(a); }
KERNEL __launch_bounds__(256) layer_norm_inner_gradients_1024(const LayerNormGradient a) { layer_norm_gradients<8, u16>(a); }
