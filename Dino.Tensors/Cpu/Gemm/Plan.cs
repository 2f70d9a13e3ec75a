namespace Dino.Tensors.Cpu.Gemm;

/// <summary>A length cut into parts that differ by at most one: no part is small, however odd the length.</summary>
internal readonly struct Split(int length, int parts)
{
    private readonly int _size = length / parts;
    private readonly int _longer = length % parts;

    public int Parts { get; } = parts;

    /// <summary>Cuts into as few parts as possible of at most <paramref name="largest"/>.</summary>
    public static Split AtMost(int length, int largest) => new(length, Math.Max(1, (length + largest - 1) / largest));

    public int Start(int part) => part * _size + Math.Min(part, _longer);

    public int Length(int part) => part < _longer ? _size + 1 : _size;
}

/// <summary>How one product is cut into register tiles, panels and tasks.</summary>
/// <remarks>
/// A task owns a block of rows and a group of panels (runs of columns one tile wide). For each block of k it packs its panels, which
/// then stay in L2, and sends its rows over them one tile at a time, which stay in L1. Nothing is shared, so tasks need no barrier. k
/// is cut by its length alone, hence every element has one order of summation, and the cut of M and N can follow the work.
/// </remarks>
internal readonly struct Plan
{
    /// <summary>Longest block of k: 8 rows of a (12 KiB) sit in L1 with room for the panel to stream through.</summary>
    public const int MaxDepth = 384;

    /// <summary>The same for a transposed a, where a tile holds a whole cache line (of which it uses half) for each step of k.</summary>
    private const int MaxDepthTransposed = 256;

    /// <summary>Largest group: 384 x 256 floats (384 KiB) leave the rest of a 1 MiB L2 to rows of a.</summary>
    public const int MaxGroupColumns = 256;

    /// <summary>Blocks of k that all tasks work through before any goes on, so that deep products share what they read.</summary>
    private const int DepthBlocks = 4;

    /// <summary>The same where a block fetches the next one: its first block is the only one that waits for memory.</summary>
    private const int DepthBlocksTransposed = 16;

    /// <summary>Multiplications that pay for waking another thread several times over (about 10 µs of one core).</summary>
    public const long TaskWork = 1 << 20;

    private const int MaxRowsPerBlock = 512;

    /// <summary>Elements of a in a block where b is transposed on its way into panels: as many rows as the third-level cache holds with ease, so that b is packed once.</summary>
    private const int TallBlockElements = 1 << 20;
    private const int MinRowsPerBlock = 48;
    private const int WantedTasks = 16;

    public readonly int TileRows, DepthBlocksTogether;
    public readonly Split Depths, Panels, Groups, RowBlocks;
    public readonly int MatricesPerTask;

    public Plan(in Product product, int lanes)
    {
        int vectors = Math.Max(1, (product.N + lanes - 1) / lanes);
        (TileRows, int tileVectors) = RegisterTile.For(vectors, lanes);
        Depths = Split.AtMost(product.K, product.StepA == 1 ? MaxDepth : MaxDepthTransposed);
        DepthBlocksTogether = product.StepA == 1 ? DepthBlocks : DepthBlocksTransposed;
        Panels = Split.AtMost(vectors, tileVectors);
        int widest = MaxGroupColumns / (tileVectors * lanes);
        int tasks = (int)Math.Clamp(product.Work / TaskWork, 1, Math.Max(1, WantedTasks / product.Matrices));
        MatricesPerTask = 1;
        if (tasks == 1)
        {
            Groups = Split.AtMost(Panels.Parts, widest);
            RowBlocks = new Split(product.M, 1);
            if (Groups.Parts == 1)
                MatricesPerTask = (int)Math.Clamp(TaskWork / Math.Max(product.Work, 1), 1, Math.Max(1, product.Matrices / WantedTasks));
            return;
        }

        // Tall blocks pack b less often, and narrow groups of panels then make the tasks; wide groups read a less often, which counts most where a is
        // transposed and b needs no packing.
        RowBlocks = Split.AtMost(product.M, product.IsDots ? Math.Max(MaxRowsPerBlock, TallBlockElements / product.K) : MaxRowsPerBlock);
        int wantedGroups = product.IsDots ? tasks : product.StepA == 1 ? Math.Max(1, tasks / RowBlocks.Parts) : 1;
        Groups = Split.AtMost(Panels.Parts, Math.Clamp(Panels.Parts / wantedGroups, 1, widest));
        if (TasksPerMatrix <= tasks / 2)
            RowBlocks = new Split(product.M, Math.Clamp(product.M / MinRowsPerBlock, RowBlocks.Parts, tasks / Groups.Parts));
    }

    public int TasksPerMatrix => Groups.Parts * RowBlocks.Parts;
}
