using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Transposes [n, 4] blocks of F32 to [4, n] in registers, n = 4, 8 or 16 lanes.</summary>
/// <remarks>
/// Lane l (of four floats) of register i holds four elements of row 4 l + i. Transposing the four registers against the four floats
/// of every lane at once then leaves the rows in order: two levels of unpacking, whatever the width.
/// </remarks>
internal static unsafe class Transposes
{
    /// <summary>Whether this machine has the shuffles; otherwise callers copy element by element.</summary>
    public static bool IsSupported(int lanes)
    {
        return lanes switch
        {
            16 => Avx512F.IsSupported,
            8 => Avx.IsSupported,
            _ => Sse2.IsSupported || AdvSimd.Arm64.IsSupported,
        };
    }

    /// <summary>Reads rows s + i · stride (i below <paramref name="lanes"/>), four floats each; writes rows t + k · width (k below 4), <paramref name="lanes"/> floats each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(int lanes, float* s, nint stride, float* t, nint width)
    {
        if (lanes == 16)
            Run16(s, stride, t, width);
        else if (lanes == 8)
            Run8(s, stride, t, width);
        else
            Run4(s, stride, t, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run16(float* s, nint stride, float* t, nint width)
    {
        Vector512<float> r0 = Quad(s, stride * 4), r1 = Quad(s + stride, stride * 4);
        Vector512<float> r2 = Quad(s + 2 * stride, stride * 4), r3 = Quad(s + 3 * stride, stride * 4);
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(r2, r3).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        Avx512F.UnpackLow(low01, low23).AsSingle().Store(t);
        Avx512F.UnpackHigh(low01, low23).AsSingle().Store(t + width);
        Avx512F.UnpackLow(high01, high23).AsSingle().Store(t + 2 * width);
        Avx512F.UnpackHigh(high01, high23).AsSingle().Store(t + 3 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run8(float* s, nint stride, float* t, nint width)
    {
        Vector256<float> r0 = Pair(s, stride * 4), r1 = Pair(s + stride, stride * 4);
        Vector256<float> r2 = Pair(s + 2 * stride, stride * 4), r3 = Pair(s + 3 * stride, stride * 4);
        Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), high01 = Avx.UnpackHigh(r0, r1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(r2, r3).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
        Avx.UnpackLow(low01, low23).AsSingle().Store(t);
        Avx.UnpackHigh(low01, low23).AsSingle().Store(t + width);
        Avx.UnpackLow(high01, high23).AsSingle().Store(t + 2 * width);
        Avx.UnpackHigh(high01, high23).AsSingle().Store(t + 3 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run4(float* s, nint stride, float* t, nint width)
    {
        Vector128<float> r0 = Vector128.Load(s), r1 = Vector128.Load(s + stride);
        Vector128<float> r2 = Vector128.Load(s + 2 * stride), r3 = Vector128.Load(s + 3 * stride);
        Vector128<double> low01 = Low(r0, r1).AsDouble(), high01 = High(r0, r1).AsDouble();
        Vector128<double> low23 = Low(r2, r3).AsDouble(), high23 = High(r2, r3).AsDouble();
        Low(low01, low23).AsSingle().Store(t);
        High(low01, low23).AsSingle().Store(t + width);
        Low(high01, high23).AsSingle().Store(t + 2 * width);
        High(high01, high23).AsSingle().Store(t + 3 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quad(float* s, nint step) => Vector512.Create(Pair(s, step), Pair(s + 2 * step, step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* s, nint step) => Vector256.Create(Vector128.Load(s), Vector128.Load(s + step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> a, Vector128<double> b) => Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> a, Vector128<double> b) => Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
