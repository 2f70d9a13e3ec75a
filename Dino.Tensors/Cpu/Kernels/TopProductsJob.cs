using System.Runtime.CompilerServices;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// x [M, D] · packed panels of memory, a register tile at a time; what is larger than the worst of a row's k best so far enters the row's list. A task
/// owns a block of rows of x and goes over all packed panels, which come in rising order: a later column has the higher index.
/// </summary>
/// <remarks>
/// The lists are the outputs themselves, sorted and falling. Most tiles hold nothing that enters a list: a row of them costs one look. NaN ranks above
/// every number, as in <see cref="Selection{V}"/>.
/// </remarks>
internal unsafe struct TopProductsJob<V>(float* x, int rows, int depth, float* packed, float* tiles, float* offsets, float* values, int* indices, int k) : IJob
    where V : struct, IVec<V>
{
    /// <summary>Elements of x in a block of rows: 192 KiB leave room in the L2 for a panel.</summary>
    private const int BlockElements = 48 << 10;
    private const int MaxBlockRows = 128;
    private const int MinBlockRows = 32;

    private readonly Split _blocks = Split.AtMost(rows, Math.Clamp(BlockElements / depth, MinBlockRows, MaxBlockRows));
    private readonly Split _depths = Split.AtMost(depth, Plan.MaxDepth);

    /// <summary>What is packed: columns of the product.</summary>
    public int FirstColumn, Columns;

    /// <summary>Columns of a tile and of a panel.</summary>
    public static int TileColumns => RegisterTile.Tall(V.Count).Vectors * V.Count;

    /// <summary>Floats of a tile, in whole cache lines.</summary>
    public static int TileElements => 8 * 3 * 16;

    public readonly int Tasks => _blocks.Parts;

    private static int TileRows => RegisterTile.Tall(V.Count).Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int task, int worker)
    {
        int first = _blocks.Start(task), end = first + _blocks.Length(task), width = TileColumns;
        float* tile = tiles + ((nint)worker * TileElements);
        for (int start = 0; start < Columns; start += width)
        {
            float* panel = packed + ((nint)start * depth);
            int columns = Math.Min(width, Columns - start), column = FirstColumn + start;
            for (int row = first; row < end; row += TileRows)
            {
                int count = Math.Min(TileRows, end - row);
                for (int part = 0; part < _depths.Parts; part++)
                {
                    int at = _depths.Start(part);
                    MicroKernel<V>.Run(count, width / V.Count, x + ((nint)row * depth) + at, depth, 1, panel + ((nint)at * width), width, _depths.Length(part), tile, width, part > 0);
                }

                for (int i = 0; i < count; i++)
                    Look(tile + (i * width), row + i, column, columns);
            }
        }
    }

    /// <summary>Offers a row of a tile to the list of its row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Look(float* products, int row, int column, int columns)
    {
        float* best = values + ((nint)row * k);
        int width = TileColumns;
        if (offsets != null)
        {
            for (int j = 0; j < width; j += V.Count)
            {
                // Offsets end with the columns; what lies beyond in the tile is not looked at.
                int lanes = Math.Clamp(columns - j, 0, V.Count);
                V.Store(V.Load(products + j) + V.LoadPartial(offsets + column + j, lanes), products + j);
            }
        }

        if (columns == width && column >= k && !MayEnter(products, best[k - 1]))
            return;
        Offer(products, column, columns, best, indices + ((nint)row * k));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool MayEnter(float* products, float worst)
    {
        // A sum finds a NaN anywhere, where a maximum may lose it; the odd inf - inf only costs a second look.
        V x0 = V.Load(products), x1 = V.Load(products + V.Count);
        V largest = V.Max(x0, x1), sum = x0 + x1;
        if (TileColumns > 2 * V.Count)
        {
            V x2 = V.Load(products + (2 * V.Count));
            (largest, sum) = (V.Max(largest, x2), sum + x2);
        }

        V isNaN = V.Select(V.Equal(sum, sum), V.Zero, V.Create(1f));
        return V.Any(V.LessThan(V.Create(worst), largest)) || V.Any(V.LessThan(V.Zero, isNaN));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Offer(float* products, int column, int columns, float* best, int* positions)
    {
        for (int j = 0; j < columns; j++)
        {
            int place = Math.Min(column + j, k);
            float value = products[j];
            if (place == k)
            {
                if (!Selection<V>.IsLarger(value, best[k - 1]))
                    continue;
                place--;
            }

            // Strictly larger: of equal ones the earlier stays ahead.
            for (; place > 0 && Selection<V>.IsLarger(value, best[place - 1]); place--)
                (best[place], positions[place]) = (best[place - 1], positions[place - 1]);
            (best[place], positions[place]) = (value, column + j);
        }
    }
}
