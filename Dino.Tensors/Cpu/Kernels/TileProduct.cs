using System.Runtime.CompilerServices;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Products of operands that are already packed and in cache: c [m, n] = a · b, or += a · b. Rows of b and c are whole vectors (n is a
/// multiple of the width); a is read element by element with any strides, so that a and aᵀ are the same call.
/// </summary>
/// <remarks>Panels of up to four vectors, so that a panel of b stays in the first-level cache while the rows of a pass by.</remarks>
internal static unsafe class TileProduct<V> where V : struct, IVec<V>
{
    /// <param name="a">Element (i, k) is at a[i · rowStride + k · stride].</param>
    /// <param name="ldb">Elements between rows of b.</param>
    /// <param name="ldc">Elements between rows of c.</param>
    /// <param name="ahead">Fetched on the way, one line for each step of a tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* a, nint rowStride, nint stride, float* b, nint ldb, float* c, nint ldc, int m, int n, int depth, bool accumulate, ref Lookahead ahead)
    {
        for (int left = n / V.Count; left > 0;)
        {
            // Three and two rather than four and one: one vector alone cannot hide the latency of its few sums.
            int vectors = V.Count < 16 ? Math.Min(left, 2) : left == 5 ? 3 : Math.Min(left, 4);
            int most = V.Count < 16 || vectors == 4 ? 6 : 8;

            // Tiles of nearly equal height: 17 rows are 6 + 6 + 5, not 8 + 8 + 1.
            for (int tiles = (m + most - 1) / most, i = 0; tiles > 0; tiles--)
            {
                int rows = (m - i + tiles - 1) / tiles;
                if (ahead.Take(depth, out StreamFetch fetch))
                    MicroKernel<V>.Run(rows, vectors, a + (i * rowStride), rowStride, stride, b, ldb, depth, c + (i * ldc), ldc, accumulate, fetch);
                else
                    MicroKernel<V>.Run(rows, vectors, a + (i * rowStride), rowStride, stride, b, ldb, depth, c + (i * ldc), ldc, accumulate);
                i += rows;
            }

            b += vectors * V.Count;
            c += vectors * V.Count;
            left -= vectors;
        }
    }
}
