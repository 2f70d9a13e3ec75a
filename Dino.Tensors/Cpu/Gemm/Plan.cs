using System.Runtime.Intrinsics.Arm;

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

    /// <summary>Largest group: 384 x 256 floats (384 KiB) leave the rest of a 1 MiB L2 to rows of a.</summary>
    public const int MaxGroupColumns = 256;

    /// <summary>Blocks of k that all tasks work through before any goes on, so that deep products share what they read.</summary>
    public const int DepthBlocksTogether = 4;

    /// <summary>Multiplications that pay for waking another thread several times over (about 10 µs of one core).</summary>
    private const long TaskWork = 1 << 20;

    private const int MaxRowsPerBlock = 512;
    private const int MinRowsPerBlock = 48;
    private const int WantedTasks = 16;

    public readonly int TileRows;
    public readonly Split Depths, Panels, Groups, RowBlocks;
    public readonly int MatricesPerTask;

    public Plan(in Product product, int lanes)
    {
        int vectors = Math.Max(1, (product.N + lanes - 1) / lanes);
        (TileRows, int tileVectors) = Tile(vectors, lanes);
        Depths = Split.AtMost(product.K, MaxDepth);
        Panels = Split.AtMost(vectors, tileVectors);
        long tasks = Math.Max(1, product.Work / TaskWork);
        if (tasks == 1)
        {
            Groups = Split.AtMost(Panels.Parts, MaxGroupColumns / (tileVectors * lanes));
            RowBlocks = new Split(product.M, 1);
            MatricesPerTask = Groups.Parts > 1 ? 1 : (int)Math.Clamp(TaskWork / Math.Max(product.Work, 1), 1, Math.Max(1, product.Matrices / WantedTasks));
            return;
        }

        tasks = Math.Max(1, Math.Min(tasks, WantedTasks) / product.Matrices);
        MatricesPerTask = 1;
        // Wide groups read a less often; tall blocks pack b less often.
        RowBlocks = Split.AtMost(product.M, MaxRowsPerBlock);
        long groups = Math.Min(Panels.Parts, (tasks + RowBlocks.Parts - 1) / RowBlocks.Parts);
        int widest = Math.Max(1, Math.Min(MaxGroupColumns / (tileVectors * lanes), Panels.Parts / (int)Math.Max(1, groups)));
        Groups = Split.AtMost(Panels.Parts, widest);
        if (Groups.Parts * RowBlocks.Parts < tasks / 2)
        {
            int blocks = (int)Math.Min(tasks / Groups.Parts, product.M / MinRowsPerBlock);
            RowBlocks = new Split(product.M, Math.Max(RowBlocks.Parts, blocks));
        }
    }

    public int TasksPerMatrix => Groups.Parts * RowBlocks.Parts;

    /// <summary>The register tile: as many sums as fit, in vectors that divide the columns if possible.</summary>
    private static (int Rows, int Vectors) Tile(int vectors, int lanes)
    {
        bool has32Registers = lanes == 16 || AdvSimd.IsSupported;
        if (!has32Registers)
            return (6, 2);
        return vectors % 4 == 0 && vectors % 3 != 0 ? (6, 4) : (8, 3);
    }
}
