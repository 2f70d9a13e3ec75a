// Tensor cores: what a warp does together. g = lane / 4 and t = lane % 4 in the layouts below.
#pragma once
#include "quads.cuh"

// Nearest value with 10 explicit digits, ties away from zero.
__device__ __forceinline__ u32 to_tf32(float x) {
    u32 y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
    return y;
}

// An address in shared memory as the instructions below take it.
__device__ __forceinline__ u32 shared_address(const void* x) { return (u32)(u64)(__attribute__((address_space(3))) const void*)x; }

// Four matrices of 8 rows of 16 bytes; lane 8 i + r names row r of matrix i. A lane gets bytes 4 t to 4 t + 3 of row g of each.
__device__ __forceinline__ void load_matrices(u32 (&x)[4], u32 row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(row) : "memory");
}

// The same of matrices of 8×8 elements of 2 bytes, each transposed: elements g of rows 2 t and 2 t + 1.
__device__ __forceinline__ void load_transposed(u32 (&x)[4], u32 row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(row) : "memory");
}

// sum [16, 8] += a [16, 8] · b [8, 8]. sum: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1); a: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4);
// b: (t, g), (t + 4, g).
__device__ __forceinline__ void multiply_tf32(float& s0, float& s1, float& s2, float& s3, const u32 (&a)[4], u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(s0), "+f"(s1), "+f"(s2), "+f"(s3)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// sum [16, 8] += a [16, 16] · b [16, 8], two elements a register. sum as above; a: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8), and the next along k;
// b: (2t, g), (2t + 8, g), and the next along k.
__device__ __forceinline__ void multiply_bf16(float& s0, float& s1, float& s2, float& s3, const u32 (&a)[4], u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(s0), "+f"(s1), "+f"(s2), "+f"(s3)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// What a format of operands needs: 16 bytes of a row are the half of what one instruction multiplies.
struct Tf32 {
    static constexpr int Bytes = 4;

    static __device__ __forceinline__ void multiply(float& s0, float& s1, float& s2, float& s3, const u32 (&a)[4], u32 b0, u32 b1) {
        multiply_tf32(s0, s1, s2, s3, a, b0, b1);
    }

    static __device__ __forceinline__ void put(void* to, float x, float y, float z, float w) {
        *(FourWords*)to = FourWords{to_tf32(x), to_tf32(y), to_tf32(z), to_tf32(w)};
    }
};

struct Bf16 {
    static constexpr int Bytes = 2;

    static __device__ __forceinline__ void multiply(float& s0, float& s1, float& s2, float& s3, const u32 (&a)[4], u32 b0, u32 b1) {
        multiply_bf16(s0, s1, s2, s3, a, b0, b1);
    }

    static __device__ __forceinline__ void put(void* to, float x, float y, float z, float w) {
        *(TwoWords*)to = TwoWords{to_bf16(x, y), to_bf16(z, w)};
    }
};
