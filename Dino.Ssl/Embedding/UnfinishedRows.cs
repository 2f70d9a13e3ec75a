using System.Runtime.InteropServices;
using Dino.Ssl.Training;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>
/// The rows [N, D] of a computation that is under way, in a file, in any order. Each has a checksum behind it: one that was never written, or that a loss of power has torn,
/// is missing and not believed. For one thread.
/// </summary>
internal sealed class UnfinishedRows : IDisposable
{
    private readonly MatrixFile _file;
    private readonly float[] _row;

    private UnfinishedRows(MatrixFile file) => (_file, _row) = (file, new float[file.Columns]);

    /// <summary>N.</summary>
    public int Count => _file.Rows;

    /// <summary>D.</summary>
    public int Width => _file.Columns - 1;

    /// <inheritdoc cref="MatrixFile.Create"/>
    public static UnfinishedRows Create(string path, int rows, int width) => new(MatrixFile.Create(path, rows, width + 1));

    /// <inheritdoc cref="MatrixFile.Open"/>
    public static UnfinishedRows Open(string path, int rows, int width) => new(MatrixFile.Open(path, rows, width + 1, isWritten: true));

    /// <summary>Writes a row.</summary>
    public void Write(int row, ReadOnlySpan<float> values)
    {
        values.CopyTo(_row);
        Checksum() = Hash();
        _file.Write(row, _row);
    }

    /// <summary>Whether a row is there, as a whole.</summary>
    public bool Has(int row)
    {
        _file.Read(row, _row);
        return Checksum() == Hash();
    }

    /// <summary>Reads a row if it is there.</summary>
    public bool TryRead(int row, Span<float> values)
    {
        bool isThere = Has(row);
        if (isThere)
            _row.AsSpan(0, Width).CopyTo(values);
        return isThere;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private ref uint Checksum() => ref MemoryMarshal.Cast<float, uint>(_row.AsSpan(Width))[0];

    // Never zero, which a row has that was never written.
    private uint Hash() => (uint)XxHash64.Of(MemoryMarshal.AsBytes(_row.AsSpan(0, Width))) | 1;
}
