using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dino.Tensors.Cpu;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>The machine's multiply-add peak: independent chains in registers, no memory.</summary>
/// <remarks>12 chains cover a latency of 4 to 6 cycles at two multiply-adds a cycle and leave registers for the operands, on AVX2 too.</remarks>
internal sealed class PeakWorkload(int threads) : IWorkload
{
    private const int Chains = 12;

    /// <summary>Long enough (some 20 ms) that starting threads does not count.</summary>
    private const int Steps = 16_000_000;

    private double _sum;

    /// <summary>Floating-point operations of one repetition.</summary>
    public static double Flops(int threads) => 2.0 * Chains * Steps * threads * (Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 4);

    public void Run() => Parts.Run(threads, _ =>
    {
        double sum = Vector512.IsHardwareAccelerated ? Chain<Vec512>() : Vector256.IsHardwareAccelerated ? Chain<Vec256>() : Chain<Vec128>();
        Volatile.Write(ref _sum, sum);
    });

    /// <summary>Whether the result is a number: nobody else has it.</summary>
    public double[] Check() => [double.IsFinite(_sum) ? 1 : 0];

    public void Dispose()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Chain<V>()
        where V : struct, IVec<V>
    {
        V x = V.Create(0.9999f), y = V.Create(0.0001f);
        V a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int step = 0; step < Steps; step++)
        {
            a = V.MultiplyAdd(a, x, y);
            b = V.MultiplyAdd(b, x, y);
            c = V.MultiplyAdd(c, x, y);
            d = V.MultiplyAdd(d, x, y);
            e = V.MultiplyAdd(e, x, y);
            f = V.MultiplyAdd(f, x, y);
            g = V.MultiplyAdd(g, x, y);
            h = V.MultiplyAdd(h, x, y);
            i = V.MultiplyAdd(i, x, y);
            j = V.MultiplyAdd(j, x, y);
            k = V.MultiplyAdd(k, x, y);
            l = V.MultiplyAdd(l, x, y);
        }

        return V.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
