// What CUDA C++ has built in and clang leaves to NVIDIA's headers, which nobody needs to have here.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
// A kernel, by the name under which it is loaded.
#define KERNEL extern "C" __global__ void

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i32 = int;
using i64 = long long;

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { u32 x, y; };
struct alignas(16) uint4 { u32 x, y, z, w; };

constexpr u32 FullWarp = 0xffffffffu;
constexpr int WarpSize = 32;
constexpr float Infinity = __builtin_inff();

__device__ __forceinline__ u32 thread_x() { return __nvvm_read_ptx_sreg_tid_x(); }
__device__ __forceinline__ u32 block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
__device__ __forceinline__ u32 block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
__device__ __forceinline__ u32 block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
__device__ __forceinline__ u32 block_threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
__device__ __forceinline__ u32 grid_x() { return __nvvm_read_ptx_sreg_nctaid_x(); }
__device__ __forceinline__ u32 lane() { return thread_x() % WarpSize; }
__device__ __forceinline__ u32 warp() { return thread_x() / WarpSize; }

// First element and step of a thread that walks over elements with the whole grid.
__device__ __forceinline__ i64 walk_start() { return (i64)block_x() * block_threads() + thread_x(); }
__device__ __forceinline__ i64 walk_step() { return (i64)grid_x() * block_threads(); }

__device__ __forceinline__ void barrier() { __syncthreads(); }
// Orders the accesses of a warp to shared memory.
__device__ __forceinline__ void warp_barrier() { __nvvm_bar_warp_sync(FullWarp); }

__device__ __forceinline__ u32 bits(float x) { return __builtin_bit_cast(u32, x); }
__device__ __forceinline__ float from_bits(u32 x) { return __builtin_bit_cast(float, x); }
__device__ __forceinline__ float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
__device__ __forceinline__ float max(float a, float b) { return __builtin_fmaxf(a, b); }
__device__ __forceinline__ float min(float a, float b) { return __builtin_fminf(a, b); }
__device__ __forceinline__ int min(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int max(int a, int b) { return a > b ? a : b; }
__device__ __forceinline__ i64 min(i64 a, i64 b) { return a < b ? a : b; }
__device__ __forceinline__ i64 max(i64 a, i64 b) { return a > b ? a : b; }

__device__ __forceinline__ float shuffle_xor(float x, int mask) { return __nvvm_shfl_sync_bfly_f32(FullWarp, x, mask, 31); }
__device__ __forceinline__ u32 shuffle_xor(u32 x, int mask) { return __nvvm_shfl_sync_bfly_i32(FullWarp, x, mask, 31); }
__device__ __forceinline__ float shuffle(float x, int from) { return __nvvm_shfl_sync_idx_f32(FullWarp, x, from, 31); }
__device__ __forceinline__ u32 shuffle(u32 x, int from) { return __nvvm_shfl_sync_idx_i32(FullWarp, x, from, 31); }
