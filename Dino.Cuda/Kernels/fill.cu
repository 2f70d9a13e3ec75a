// y = a bit pattern of 1, 2 or 4 bytes.
#include "cuda.cuh"

struct Fill {
    u8* y;
    i64 count;
    u32 pattern;
};

template <class T>
__device__ __forceinline__ void fill(const Fill& a) {
    T* y = (T*)a.y;
    for (i64 i = walk_start(); i < a.count; i += walk_step())
        y[i] = (T)a.pattern;
}

KERNEL fill_1(const Fill a) { fill<u8>(a); }
KERNEL fill_2(const Fill a) { fill<u16>(a); }
KERNEL fill_4(const Fill a) { fill<u32>(a); }
