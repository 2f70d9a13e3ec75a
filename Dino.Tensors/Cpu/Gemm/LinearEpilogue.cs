using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>An activation as a type argument.</summary>
internal interface IActivation<V>
    where V : struct, IVec<V>
{
    static abstract V Apply(V x);
}

internal readonly struct IdentityActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => x;
}

internal readonly struct GeluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => VectorMath<V>.Gelu(x);
}

internal readonly struct ReluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    // Not V.Max: which operand of a maximum survives a NaN depends on the hardware. A comparison with NaN is false, so NaN stays.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => V.Select(V.LessThan(x, V.Zero), V.Zero, x);
}

/// <summary>What follows the product of a linear layer. Pointers are null where something is absent; [M, N] operands have the stride of y.</summary>
internal readonly unsafe struct LinearTail
{
    /// <summary>[N].</summary>
    public float* Bias { get; init; }

    /// <summary>[M, N]: where the sum of product and bias is kept for the backward pass.</summary>
    public float* PreActivation { get; init; }

    /// <summary>[M, N], added at the end; not y itself, where the sums of the product are formed.</summary>
    public float* Residual { get; init; }

    /// <summary>Factors of the activation's result, one for each <see cref="RowsPerFactor"/> rows.</summary>
    public float* Factors { get; init; }

    /// <inheritdoc cref="Factors"/>
    public int RowsPerFactor { get; init; }

    /// <summary>Whether there is anything to do besides an activation.</summary>
    public bool IsWanted => Bias != null || PreActivation != null || Residual != null || Factors != null;
}

/// <summary>y = residual + factor · activation(y + bias).</summary>
internal readonly unsafe struct LinearEpilogue<V, TActivation>(LinearTail tail) : IEpilogue
    where V : struct, IVec<V>
    where TActivation : struct, IActivation<V>
{
    private const int FloatsPerLine = 16;

    private readonly LinearTail _tail = tail;

    public static bool Exists => true;

    /// <remarks>
    /// Tiles visit a row a few cache lines at a time, which hardware does not foresee: unasked, each line of a large result or residual is waited for.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prepare(float* tile, nint strideY, int row, int column, int rows, int columns)
    {
        if (!Sse.IsSupported)
            return;
        nint residual = _tail.Residual == null ? 0 : (nint)(_tail.Residual + (row * strideY) + column) - (nint)tile;
        for (int i = 0; i < rows; i++, tile += strideY)
        {
            for (int j = 0; j < columns; j += FloatsPerLine)
            {
                Sse.Prefetch0(tile + j);
                if (residual != 0)
                    Sse.Prefetch0((byte*)(tile + j) + residual);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* tile, nint strideY, int row, int column, int rows, int columns)
    {
        nint offset = (row * strideY) + column;
        float* bias = _tail.Bias == null ? null : _tail.Bias + column;
        float* kept = _tail.PreActivation == null ? null : _tail.PreActivation + offset;
        float* residual = _tail.Residual == null ? null : _tail.Residual + offset;
        bool scales = _tail.Factors != null;
        for (int i = 0; i < rows; i++)
        {
            V factor = V.Create(scales ? _tail.Factors[(row + i) / _tail.RowsPerFactor] : 1);
            int j = 0;
            for (; j <= columns - V.Count; j += V.Count)
            {
                V x = V.Load(tile + j);
                if (bias != null)
                    x = x + V.Load(bias + j);
                if (kept != null)
                    V.Store(x, kept + j);
                x = TActivation.Apply(x);
                if (scales)
                    x = x * factor;
                if (residual != null)
                    x = V.Load(residual + j) + x;
                V.Store(x, tile + j);
            }

            if (j < columns)
            {
                int lanes = columns - j;
                V x = V.LoadPartial(tile + j, lanes);
                if (bias != null)
                    x = x + V.LoadPartial(bias + j, lanes);
                if (kept != null)
                    V.StorePartial(x, kept + j, lanes);
                x = TActivation.Apply(x);
                if (scales)
                    x = x * factor;
                if (residual != null)
                    x = V.LoadPartial(residual + j, lanes) + x;
                V.StorePartial(x, tile + j, lanes);
            }

            tile += strideY;
            kept = kept == null ? null : kept + strideY;
            residual = residual == null ? null : residual + strideY;
        }
    }
}
