namespace Dino.Cuda;

/// <summary>How the own kernels share out a batch of products.</summary>
/// <param name="Tile">Rows and columns of y that a block computes: 128, 64 or 32.</param>
/// <param name="Parts">Parts of the summed length that go to different blocks, whose sums are added in their order afterwards.</param>
/// <param name="PartDepth">Length of a part, a multiple of <see cref="Step"/>.</param>
internal readonly record struct ProductPlan(int Tile, int Parts, int PartDepth)
{
    /// <summary>What a block multiplies before it moves on along the summed length.</summary>
    public const int Step = 16;

    /// <summary>Shorter parts would spend more on their sums than on their products.</summary>
    private const int LeastPartDepth = 256;

    private const int MostParts = 64;

    /// <summary>Threads of a block.</summary>
    public int Threads => 2 * Tile;

    /// <summary>Tiles of a product.</summary>
    public long Blocks(int m, int n) => Ratio(m, Tile) * Ratio(n, Tile);

    /// <summary>The same tiles, over all of the summed length.</summary>
    public ProductPlan InOnePart(int k) => new(Tile, 1, Math.Max((int)Ratio(k, Step) * Step, Step));

    /// <remarks>The choice is a function of shapes and device alone, so the order of sums is as well.</remarks>
    public static ProductPlan Choose(int m, int n, int k, long matrices, int multiprocessors)
    {
        int parts = matrices == 1 ? Math.Clamp(k / LeastPartDepth, 1, MostParts) : 1;
        // The largest tile, because it reads the least, as long as most of it is not empty and all of the device has work.
        int tile = 32;
        foreach (int candidate in (ReadOnlySpan<int>)[128, 64])
        {
            if (Math.Min(m, n) > candidate / 2 && Count(candidate) * parts >= multiprocessors)
            {
                tile = candidate;
                break;
            }
        }

        long blocks = Count(tile);
        // Two blocks for a multiprocessor hide each other's waiting.
        parts = blocks >= multiprocessors ? 1 : (int)Math.Min(parts, Ratio(2 * multiprocessors, blocks));
        int depth = Math.Max((int)Ratio(Ratio(k, parts), Step) * Step, Step);
        return new ProductPlan(tile, (int)Math.Max(Ratio(k, depth), 1), depth);

        long Count(int side) => Ratio(m, side) * Ratio(n, side) * matrices;
    }

    /// <summary>x / y, rounded up.</summary>
    private static long Ratio(long x, long y) => (x + y - 1) / y;
}
