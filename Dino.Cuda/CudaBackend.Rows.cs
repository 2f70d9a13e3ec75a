using System.Numerics;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>How work on matrices is cut: by rows, or into tiles of rows and columns. Cuts follow from shapes alone, and with them every result.</summary>
internal sealed unsafe partial class CudaBackend
{
    // Arguments of kernels end in whole multiples of 8 bytes: a recorded launch compares all of their bytes.

    /// <summary>The longest rows that are the work of a warp.</summary>
    private const int WarpColumns = 1024;

    /// <summary>Warps of a block where each has a row.</summary>
    private const int BlockWarps = BlockThreads / 32;

    /// <summary>The longest rows that a block of 256 holds in registers, where there is a kernel for it.</summary>
    private const int HeldColumns = 4096;

    /// <summary>Whether rows can be read 16 bytes at a time.</summary>
    /// <param name="columns">Length of the rows.</param>
    /// <param name="addresses">All addresses that rows begin at, joined by or; 0 for what is absent.</param>
    private static bool IsWide(int columns, nint addresses) => columns % 4 == 0 && (addresses & 15) == 0;

    /// <summary>Runs an operation on rows, each the work of a warp or of a block.</summary>
    private void LaunchRows<T>(RowKernels kernels, in T arguments, long rows, int columns, nint addresses)
        where T : unmanaged
    {
        if (rows == 0)
            return;
        bool isWide = IsWide(columns, addresses);
        if (columns <= WarpColumns)
            Launch(_kernels[kernels.Module, isWide ? kernels.WarpWide : kernels.Warp], arguments, (rows + BlockWarps - 1) / BlockWarps);
        else if (isWide && columns <= HeldColumns && kernels.BlockHeld is { } held)
            Launch(_kernels[kernels.Module, held], arguments, rows);
        else
            Launch(_kernels[kernels.Module, isWide ? kernels.BlockWide : kernels.Block], arguments, rows, columns <= 4096 ? 256 : columns <= 16384 ? 512 : 1024);
    }

    /// <summary>The names of the kernels of an operation on rows.</summary>
    private sealed class RowKernels(string module, string name, bool isHeld = false)
    {
        public string Module { get; } = module;

        public string Warp { get; } = name + "_warp";

        public string WarpWide { get; } = name + "_warp_wide";

        public string Block { get; } = name + "_block";

        public string BlockWide { get; } = name + "_block_wide";

        public string? BlockHeld { get; } = isHeld ? name + "_block_held" : null;
    }

    /// <summary>How blocks lie over a matrix: 2^LaneBits threads side by side, 32 at most, with some neighbours each, and groups of them one row after the other.</summary>
    private readonly record struct Tiling(long Rows, int Columns, int ColumnTiles, int TileRows, int LaneBits)
    {
        /// <summary>Tiles of rows.</summary>
        public int Tiles => checked((int)((Rows + TileRows - 1) / TileRows));

        /// <summary>Blocks of a grid.</summary>
        public long Blocks => (long)Tiles * ColumnTiles;

        /// <param name="rows">Rows of the matrix.</param>
        /// <param name="columns">Columns of the matrix.</param>
        /// <param name="isWide">Whether a thread has four neighbouring columns; else one.</param>
        /// <param name="rowsEach">Rows of a thread.</param>
        /// <param name="threads">Threads of a block.</param>
        public static Tiling Of(long rows, int columns, bool isWide, int rowsEach, int threads = BlockThreads)
        {
            int width = isWide ? 4 : 1, laneBits = LaneBitsFor(columns / width);
            return new Tiling(rows, columns, (columns + (width << laneBits) - 1) / (width << laneBits), (threads >> laneBits) * rowsEach, laneBits);
        }

        /// <summary>All rows in one tile.</summary>
        public static Tiling Whole(int rows, int columns, int threads) => Of(rows, columns, isWide: false, 1, threads) with { TileRows = Math.Max(rows, 1) };

        /// <summary>The logarithm of the threads, up to a warp, that have one of some things each.</summary>
        public static int LaneBitsFor(int count) => count >= 32 ? 5 : BitOperations.Log2((uint)Math.Max(BitOperations.RoundUpToPowerOf2((uint)count), 1));
    }
}
