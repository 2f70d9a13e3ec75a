using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>How the elements of a packed panel are stored, as a type argument.</summary>
internal unsafe interface IPanelElement<V>
    where V : struct, IVec<V>
{
    static abstract int Bytes { get; }

    /// <summary>A vector of elements as F32.</summary>
    /// <param name="panel">Start of a row of the panel.</param>
    /// <param name="vector">Which vector of it.</param>
    static abstract V Load(byte* panel, int vector);
}

internal readonly unsafe struct SingleElement<V> : IPanelElement<V>
    where V : struct, IVec<V>
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* panel, int vector) => V.Load((float*)panel + vector * V.Count);
}

internal readonly unsafe struct BFloat16Element<V> : IPanelElement<V>
    where V : struct, IVec<V>
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* panel, int vector) => V.LoadBFloat16((ushort*)panel + vector * V.Count);
}

/// <summary><see cref="MicroKernel{V, E}"/> on operands that are both F32: steps count elements.</summary>
internal static unsafe class MicroKernel<V>
    where V : struct, IVec<V>
{
    /// <inheritdoc cref="MicroKernel{V, E}.Run{F}"/>
    public static void Run(int rows, int vectors, float* a, nint rowStride, nint stepA, float* b, nint stepB, int depth, float* y, nint strideY, bool accumulate) =>
        Run(rows, vectors, a, rowStride, stepA, b, stepB, depth, y, strideY, accumulate, default(NoFetch));

    /// <inheritdoc cref="MicroKernel{V, E}.Run{F}"/>
    public static void Run<F>(int rows, int vectors, float* a, nint rowStride, nint stepA, float* b, nint stepB, int depth, float* y, nint strideY, bool accumulate, F fetch)
        where F : struct, IFetch =>
        MicroKernel<V, SingleElement<V>>.Run(rows, vectors, a, rowStride, stepA, (byte*)b, stepB * sizeof(float), depth, y, strideY, accumulate, fetch);
}
