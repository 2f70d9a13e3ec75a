using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>What follows the product of a linear layer. Pointers are null where something is absent; [M, N] operands have the stride of y.</summary>
internal readonly unsafe struct LinearTail
{
    /// <summary>[M, N]: the result.</summary>
    public float* Y { get; init; }

    /// <summary>From one row of y to the next.</summary>
    public nint Stride { get; init; }

    /// <summary>[N].</summary>
    public float* Bias { get; init; }

    /// <summary>[M, N]: where the sum of product and bias is kept for the backward pass.</summary>
    public float* PreActivation { get; init; }

    /// <summary>[M, N], added at the end. May be y only for a packed weight, whose sums are formed in scratch.</summary>
    public float* Residual { get; init; }

    /// <summary>Factors of the activation's result, one for each <see cref="RowsPerFactor"/> rows.</summary>
    public float* Factors { get; init; }

    /// <inheritdoc cref="Factors"/>
    public int RowsPerFactor { get; init; }

    /// <summary>The first row of the product among those of y, residual, factors and <see cref="PreActivation"/>.</summary>
    public int FirstRow { get; init; }

    /// <summary>Which rows of y and residual the rows of the product are for.</summary>
    public SampleRows Rows { get; init; }

    /// <summary>Whether there is anything to do besides an activation.</summary>
    public bool IsWanted => Bias != null || PreActivation != null || Residual != null || Factors != null;
}

/// <summary>How the sums of a tile become values of the product, as a type argument.</summary>
internal unsafe interface ITileSums<V>
    where V : struct, IVec<V>
{
    /// <summary>The values of one vector of a row.</summary>
    /// <param name="sums">The first of them.</param>
    /// <param name="lanes">How many there are.</param>
    V Read(void* sums, int row, int column, int lanes);
}

/// <summary>The sums are the values.</summary>
internal readonly unsafe struct FloatSums<V> : ITileSums<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Read(void* sums, int row, int column, int lanes) => Lanes<V>.Load((float*)sums, lanes);
}

/// <summary>y = residual + factor · activation(product + bias).</summary>
internal readonly unsafe struct LinearEpilogue<V, TSums, TActivation>(LinearTail tail, TSums sums) : IEpilogue
    where V : struct, IVec<V>
    where TSums : struct, ITileSums<V>
    where TActivation : struct, IActivation<V>
{
    private readonly LinearTail _tail = tail;

    public static bool Exists => true;

    public bool MovesRows => _tail.Rows.AreSome;

    /// <remarks>
    /// Tiles visit a row a few cache lines at a time, which hardware does not foresee: unasked, each line of a large result or residual is waited for.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prepare(int row, int column, int rows, int columns)
    {
        if (!Sse.IsSupported)
            return;
        row += _tail.FirstRow;
        float* y = _tail.Y + (row * _tail.Stride) + column;
        nint residual = _tail.Residual == null ? 0 : (nint)_tail.Residual - (nint)_tail.Y;
        for (int i = 0; i < rows; i++, y += _tail.Stride)
        {
            for (int j = 0; j < columns; j += StreamFetch.Line)
            {
                Sse.Prefetch0(y + j);
                if (residual != 0)
                    Sse.Prefetch0((byte*)(y + j) + residual);
            }
        }
    }

    /// <remarks>The residual, which nothing has read since the first half of the branch. Asking for y as well, which is only written, costs more than it saves.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch(int row, int column, int rows, int columns)
    {
        if (!Sse.IsSupported || _tail.Residual == null || _tail.Rows.AreSome)
            return;
        float* residual = _tail.Residual + ((row + _tail.FirstRow) * _tail.Stride) + column;
        for (int i = 0; i < rows; i++, residual += _tail.Stride)
        {
            for (int j = 0; j < columns; j += StreamFetch.Line)
                Sse.Prefetch0(residual + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(void* tile, nint stride, int row, int column, int rows, int columns)
    {
        int* from = (int*)tile;
        row += _tail.FirstRow;
        nint offset = (row * _tail.Stride) + column;
        float* bias = _tail.Bias == null ? null : _tail.Bias + column;
        bool scales = _tail.Factors != null;
        for (int i = 0; i < rows; i++, from += stride, offset += _tail.Stride)
        {
            nint target = _tail.Rows.AreSome ? ((nint)_tail.Rows.Of(row + i) * _tail.Stride) + column : offset;
            V factor = V.Create(scales ? _tail.Factors[(row + i) / _tail.RowsPerFactor] : 1);
            for (int j = 0; j < columns; j += V.Count)
            {
                int lanes = Math.Min(V.Count, columns - j);
                V x = sums.Read(from + j, row - _tail.FirstRow + i, column + j, lanes);
                if (bias != null)
                    x = x + Lanes<V>.Load(bias + j, lanes);
                if (_tail.PreActivation != null)
                    Lanes<V>.Store(x, _tail.PreActivation + offset + j, lanes);
                x = TActivation.Apply(x);
                if (scales)
                    x = x * factor;
                if (_tail.Residual != null)
                    x = Lanes<V>.Load(_tail.Residual + target + j, lanes) + x;
                Lanes<V>.Store(x, _tail.Y + target + j, lanes);
            }
        }
    }
}
