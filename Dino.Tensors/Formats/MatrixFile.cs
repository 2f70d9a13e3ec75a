using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>
/// A matrix of floats [N, D] in a file, for matrices larger than memory: rows are written and read in any order, and those that were never written are zeros. The file is an .npy or a
/// safetensors file at any time. Several threads may use different rows at once.
/// </summary>
public sealed class MatrixFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly long _start;

    private MatrixFile(SafeFileHandle file, long start, int rows, int columns) => (_file, _start, Rows, Columns) = (file, start, rows, columns);

    /// <summary>N.</summary>
    public int Rows { get; }

    /// <summary>D.</summary>
    public int Columns { get; }

    private long RowBytes => (long)Columns * sizeof(float);

    /// <summary>A new matrix of zeros, which takes no space on the disk before it is written where the file system can do that.</summary>
    /// <param name="path">The file; replaced if it is there.</param>
    /// <param name="rows">N.</param>
    /// <param name="columns">D.</param>
    /// <param name="name">The name of the tensor in a safetensors file; null makes an .npy file.</param>
    /// <exception cref="IOException">The file cannot be written, or another one has it open.</exception>
    public static MatrixFile Create(string path, int rows, int columns, string? name = null)
    {
        byte[] head = Head(rows, columns, name);
        SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        try
        {
            RandomAccess.Write(file, head, 0);
            RandomAccess.SetLength(file, head.Length + ((long)rows * columns * sizeof(float)));
            return new MatrixFile(file, head.Length, rows, columns);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a matrix that <see cref="Create"/> made.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">N, as it was made.</param>
    /// <param name="columns">D, as it was made.</param>
    /// <param name="name">The name of the tensor, as it was made.</param>
    /// <param name="isWritten">Whether rows are to be written; then nobody else can open it.</param>
    /// <exception cref="InvalidDataException">It is not such a matrix.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static MatrixFile Open(string path, int rows, int columns, string? name = null, bool isWritten = false)
    {
        byte[] head = Head(rows, columns, name), found = new byte[head.Length];
        SafeFileHandle file = isWritten ? File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None) : File.OpenHandle(path);
        if (RandomAccess.GetLength(file) == head.Length + ((long)rows * columns * sizeof(float)) && RandomAccess.Read(file, found, 0) == found.Length && found.AsSpan().SequenceEqual(head))
            return new MatrixFile(file, head.Length, rows, columns);
        file.Dispose();
        throw new InvalidDataException($"{path} is not the [{rows}, {columns}] matrix of floats that it should be.");
    }

    /// <summary>Opens a matrix of any safetensors file, to read it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its tensor, F32 [N, D].</param>
    /// <exception cref="InvalidDataException">It is no safetensors file, or the tensor is not such a matrix.</exception>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public static MatrixFile OpenTensor(string path, string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        TensorEntry entry = file.Entry(name);
        if (entry is not { Type: "F32", Shape: [<= int.MaxValue and var rows, > 0 and <= int.MaxValue and var columns] } || !file.TryLocate(name, out long start))
            throw new InvalidDataException($"{path}: tensor '{name}', {entry.Type} {entry.ShapeText}, is no matrix of floats.");
        return new MatrixFile(File.OpenHandle(path), start, (int)rows, (int)columns);
    }

    /// <summary>Writes rows.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="values">Whole rows, [n, D].</param>
    public void Write(int first, ReadOnlySpan<float> values) => RandomAccess.Write(_file, MemoryMarshal.AsBytes(values), Position(first, values.Length));

    /// <summary>Reads rows.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="values">Whole rows, [n, D]; written.</param>
    /// <exception cref="EndOfStreamException">The file has been cut short meanwhile.</exception>
    public void Read(int first, Span<float> values)
    {
        long position = Position(first, values.Length);
        Span<byte> rest = MemoryMarshal.AsBytes(values);
        while (rest.Length > 0)
        {
            int read = RandomAccess.Read(_file, rest, position);
            if (read == 0)
                throw new EndOfStreamException($"The matrix ends before row {first + (values.Length / Columns)}.");
            rest = rest[read..];
            position += read;
        }
    }

    /// <summary>Makes sure that everything is on the disk.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private long Position(int first, int count)
    {
        if (count % Columns != 0 || first < 0 || first + ((long)count / Columns) > Rows)
            throw new ArgumentException($"{count} numbers from row {first} on are not rows of a matrix [{Rows}, {Columns}].", nameof(first));
        return _start + (first * RowBytes);
    }

    private static byte[] Head(int rows, int columns, string? name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("The file is little-endian, this machine is not.");
        if (name is null)
            return NpyFormat.Head(NpyTypes.Name<float>(), [rows, columns]);
        SafetensorsWriter writer = new();
        writer.AddRaw(name, "F32", [rows, columns], static () => default);
        return writer.Head();
    }
}
