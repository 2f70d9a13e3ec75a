using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>
/// Products with few rows or few columns whose operands both run along k: elements of y are dot products of contiguous rows. Packing would
/// cost as much as the product; here each row of the long side is read once from memory and the lanes hold partial sums.
/// </summary>
internal unsafe struct DotJob<V, TEpilogue>(in Product product, TEpilogue epilogue) : IJob
    where V : struct, IVec<V>
    where TEpilogue : struct, IEpilogue
{
    /// <summary>The smaller side of y up to which dots beat tiles.</summary>
    private const int MaxShortSide = 8;

    /// <summary>Below this depth the sums across lanes dominate: of single dots, of tiles of them, and of tiles that compete with packing.</summary>
    private const int MinDepth = 32, MinTileDepth = 128, MinDeepDepth = 256;

    /// <summary>The smaller side up to which dots need no great depth.</summary>
    private const int MaxThinSide = 4;

    /// <summary>Long-side rows between two calls of the epilogue: whole vectors of y.</summary>
    private const int Block = 16;
    private const long TaskWork = 1 << 18;

    private readonly Product _product = product;
    private readonly TEpilogue _epilogue = epilogue;
    private readonly Split _parts = new(product.N >= product.M ? product.N : product.M, (int)Math.Clamp(product.Work / TaskWork, 1, 16));

    /// <summary>Whether dots are the faster way.</summary>
    public static bool Suits(in Product product)
    {
        int shorts = Math.Min(product.M, product.N);
        return product.IsDots && shorts <= MaxShortSide && product.K >= (shorts <= MaxThinSide ? MinDepth : MinDeepDepth);
    }

    public readonly int Tasks => checked((int)(_product.Matrices * _parts.Parts));

    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public readonly void Run(int task, int worker)
    {
        _product.Locate(task / _parts.Parts, out float* a, out float* b, out float* y);
        int start = _parts.Start(task % _parts.Parts), end = start + _parts.Length(task % _parts.Parts);
        bool wide = _product.N >= _product.M;
        int shorts = wide ? _product.M : _product.N;
        (nint longStride, nint shortStride) = wide ? (_product.ColumnStrideB, _product.RowStrideA) : (_product.RowStrideA, _product.ColumnStrideB);
        (nint longY, nint shortY) = wide ? (1, _product.StrideY) : (_product.StrideY, (nint)1);
        float* longRows = wide ? b : a;
        float* shortRows = wide ? a : b;
        bool isFar = Product.IsFar(wide ? _product.N : _product.M, _product.K);
        float* lanes = stackalloc float[DotTile<V>.Scratch + DotTile<V>.Scratch / 16];
        Split tiles = Split.AtMost(shorts, _product.K < MinTileDepth ? 1 : DotTile<V>.MaxRows);
        for (int i = start; i < end; i += Block)
        {
            int count = Math.Min(Block, end - i);
            float* block = y + i * longY;
            for (int c = 0; c < count; c += DotTile<V>.Columns)
            {
                float* rows = longRows + (i + c) * longStride, corner = block + c * longY;
                int columns = Math.Min(DotTile<V>.Columns, count - c);
                for (int t = 0; t < tiles.Parts; t++)
                {
                    int j = tiles.Start(t);
                    if (tiles.Length(t) == 1)
                        Dots(shortRows + j * shortStride, rows, longStride, columns, corner + j * shortY, longY);
                    else
                        Tile(shortRows + j * shortStride, shortStride, tiles.Length(t), rows, longStride, columns, corner + j * shortY, shortY, longY, isFar && t == 0, lanes);
                }
            }
        }

        // Once for the whole run of elements, which is small enough to be in L1 still.
        if (TEpilogue.Exists)
            _epilogue.Apply(y + start * longY, _product.StrideY, wide ? 0 : start, wide ? start : 0, wide ? shorts : end - start, wide ? end - start : shorts);
    }

    /// <summary>The products of two to four short-side rows with up to four long-side rows. Missing rows repeat the first and are not stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Tile(float* a, nint strideA, int rows, float* b, nint strideB, int columns, float* y, nint stepRow, nint stepColumn, bool isFar, float* lanes)
    {
        float* b1 = columns > 1 ? b + strideB : b, b2 = columns > 2 ? b + 2 * strideB : b, b3 = columns > 3 ? b + 3 * strideB : b;
        float* sums = lanes + DotTile<V>.Scratch;
        nint ahead = DotTile<V>.Columns * strideB;
        if (isFar)
            DotTile<V>.Run(rows, a, strideA, b, b1, b2, b3, new LineFetch(ahead, ahead), _product.K, lanes, sums);
        else
            DotTile<V>.Run(rows, a, strideA, b, b1, b2, b3, default(NoFetch), _product.K, lanes, sums);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
                Put(sums[i * DotTile<V>.Columns + j], y + i * stepRow + j * stepColumn);
        }
    }

    /// <summary>The products of one short-side row with up to four long-side rows. Missing rows repeat the first and are not stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Dots(float* a, float* b, nint stride, int count, float* y, nint stepY)
    {
        float* b1 = count > 1 ? b + stride : b, b2 = count > 2 ? b + 2 * stride : b, b3 = count > 3 ? b + 3 * stride : b;
        V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, s3 = V.Zero;
        V t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, t3 = V.Zero;
        int k = 0;
        for (; k <= _product.K - 2 * V.Count; k += 2 * V.Count)
        {
            V x = V.Load(a + k), z = V.Load(a + k + V.Count);
            s0 = V.MultiplyAdd(x, V.Load(b + k), s0);
            s1 = V.MultiplyAdd(x, V.Load(b1 + k), s1);
            s2 = V.MultiplyAdd(x, V.Load(b2 + k), s2);
            s3 = V.MultiplyAdd(x, V.Load(b3 + k), s3);
            t0 = V.MultiplyAdd(z, V.Load(b + k + V.Count), t0);
            t1 = V.MultiplyAdd(z, V.Load(b1 + k + V.Count), t1);
            t2 = V.MultiplyAdd(z, V.Load(b2 + k + V.Count), t2);
            t3 = V.MultiplyAdd(z, V.Load(b3 + k + V.Count), t3);
        }

        for (; k < _product.K; k += V.Count)
        {
            int lanes = Math.Min(V.Count, _product.K - k);
            V x = V.LoadPartial(a + k, lanes);
            s0 = V.MultiplyAdd(x, V.LoadPartial(b + k, lanes), s0);
            s1 = V.MultiplyAdd(x, V.LoadPartial(b1 + k, lanes), s1);
            s2 = V.MultiplyAdd(x, V.LoadPartial(b2 + k, lanes), s2);
            s3 = V.MultiplyAdd(x, V.LoadPartial(b3 + k, lanes), s3);
        }

        Put(V.Sum(s0 + t0), y);
        if (count > 1)
            Put(V.Sum(s1 + t1), y + stepY);
        if (count > 2)
            Put(V.Sum(s2 + t2), y + 2 * stepY);
        if (count > 3)
            Put(V.Sum(s3 + t3), y + 3 * stepY);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Put(float sum, float* y)
    {
        sum *= _product.Alpha;
        *y = _product.Beta == 0 ? sum : sum + _product.Beta * *y;
    }
}
