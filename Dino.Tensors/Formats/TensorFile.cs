using System.Runtime.InteropServices;
using Dino.Tensors.Cpu;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>Fills a destination with the bytes of a tensor from an offset on.</summary>
internal delegate void TensorReader(long offset, Span<byte> destination);

/// <summary>
/// A file with named tensors: safetensors, what torch.save writes, or the index of shards of either. Values stay in the file until they are read.
/// </summary>
public abstract class TensorFile : IDisposable
{
    // Widening works through a buffer of this size, which stays in the L2 cache. A multiple of every element size.
    private const int ChunkBytes = 1 << 18;

    private protected TensorFile(string path) => FilePath = path;

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>Name of the format.</summary>
    public abstract string Format { get; }

    /// <summary>The tensors by name.</summary>
    public abstract IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Strings beside the tensors; empty where the format has none.</summary>
    public abstract IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file of any of the formats. Its content says which, not its name.</summary>
    /// <param name="path">A safetensors file, a file of torch.save, or a <c>.index.json</c> with shards of either beside it.</param>
    /// <exception cref="InvalidDataException">A damaged safetensors file or index, or a file of another kind.</exception>
    /// <exception cref="TorchFileException">A file of torch.save that is damaged or not only data.</exception>
    public static TensorFile Open(string path) => Open(path, isShard: false);

    /// <summary>A file that an index names: any but another index, which may name the first.</summary>
    private protected static TensorFile OpenShard(string path) => Open(path, isShard: true);

    private static TensorFile Open(string path, bool isShard)
    {
        TensorFileKind kind;
        string? foreign;
        using (SafeFileHandle handle = File.OpenHandle(path))
        {
            kind = TensorFileKinds.Recognize(handle, RandomAccess.GetLength(handle));
            Span<byte> start = stackalloc byte[ForeignFile.StartLength];
            foreign = ForeignFile.Describe(start[..RandomAccess.Read(handle, start, 0)]);
        }

        return kind switch
        {
            TensorFileKind.Zip or TensorFileKind.Pickle or TensorFileKind.Tar => TorchFile.Open(path),
            TensorFileKind.ShardIndex when isShard => throw new InvalidDataException($"{path} holds no tensors: it is the index of shards, or other JSON, where an index has a shard."),
            TensorFileKind.ShardIndex => TensorShards.Open(path),
            TensorFileKind.Safetensors => SafetensorsFile.Open(path),
            _ => throw new InvalidDataException($"{path} holds no tensors: it is {foreign ?? "neither a safetensors file, nor the index of one in shards, nor a file of torch.save."}"),
        };
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor; the message lists some that exist.</exception>
    public TensorEntry Entry(string name) => Entries.TryGetValue(name, out TensorEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"{FilePath} holds no tensor '{name}'. It holds: {string.Join(", ", Entries.Keys.Take(8))}{(Entries.Count > 8 ? ", ..." : "")}.");

    /// <summary>The elements of a tensor in row-major order, little-endian.</summary>
    /// <param name="entry">One of <see cref="Entries"/>.</param>
    /// <param name="destination">At least <see cref="TensorEntry.Length"/> long.</param>
    public void Read(TensorEntry entry, Span<byte> destination) => Reader(entry)(0, destination[..checked((int)entry.Length)]);

    /// <summary>The elements of a tensor in row-major order, little-endian.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public byte[] ReadRaw(string name)
    {
        TensorEntry entry = Entry(name);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)entry.Length));
        Read(entry, bytes);
        return bytes;
    }

    /// <summary>A tensor widened or narrowed to F32, whatever its stored type.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public float[] ReadSingles(string name)
    {
        float[] values = GC.AllocateUninitializedArray<float>(checked((int)Entry(name).Count));
        ReadSingles(name, values);
        return values;
    }

    /// <summary>A tensor widened or narrowed to F32 into memory of the caller; stored F32 is read there without a copy in between.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="destination">Exactly as many elements as the tensor has.</param>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void ReadSingles(string name, Span<float> destination)
    {
        TensorEntry entry = Entry(name);
        if (entry.Count != destination.Length)
            throw new ArgumentException($"{FilePath}: tensor '{name}' has {entry.Count} elements {entry.ShapeText}, the destination {destination.Length}.", nameof(destination));
        TensorReader read = Reader(entry);
        if (entry.Type == "F32" && BitConverter.IsLittleEndian)
        {
            // An array of 2^30 floats has more bytes than a span can name, so long tensors go in parts.
            const int part = 1 << 28;
            for (int i = 0; i < destination.Length; i += part)
                read((long)i * sizeof(float), MemoryMarshal.AsBytes(destination.Slice(i, Math.Min(part, destination.Length - i))));
            return;
        }

        int size = SafetensorsTypes.Size(entry.Type), step = ChunkBytes / size;
        byte[] buffer = new byte[(int)Math.Min(ChunkBytes, entry.Length)];
        for (int i = 0; i < destination.Length; i += step)
        {
            int count = Math.Min(step, destination.Length - i);
            read((long)i * size, buffer.AsSpan(0, count * size));
            SafetensorsTypes.ToSingles(entry.Type, buffer.AsSpan(0, count * size), destination.Slice(i, count));
        }
    }

    /// <summary>A tensor widened or narrowed to F32, into the memory of a tensor: in host memory stored F32 is read there without a copy in between.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="destination">F32, exactly as many elements as the stored tensor has; on any device.</param>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    /// <exception cref="ArgumentException">The destination has another length or element type.</exception>
    public void ReadTensor(string name, Tensor destination)
    {
        if (destination.DType != DType.F32 || destination.Count != Entry(name).Count)
            throw new ArgumentException($"{FilePath}: tensor '{name}' has {Entry(name).Count} elements {Entry(name).ShapeText}, the destination is {destination.DType} {destination.Shape}.", nameof(destination));
        if (destination.TryGetHostSpan(out Span<float> elements))
            ReadSingles(name, elements);
        else
            destination.Device.Backend.Upload(MemoryMarshal.AsBytes<float>(ReadSingles(name)), destination.View);
    }

    /// <summary>A tensor widened to double, whatever its stored type. Exact for every type but I64 and U64 beyond 2^53.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public double[] ReadDoubles(string name)
    {
        TensorEntry entry = Entry(name);
        byte[] bytes = ReadRaw(name);
        double[] values = new double[entry.Count];
        int size = SafetensorsTypes.Size(entry.Type);
        for (int i = 0; i < values.Length; i++)
            values[i] = SafetensorsTypes.ToDouble(entry.Type, bytes.AsSpan(i * size, size));
        return values;
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Reads the bytes of a tensor part by part.</summary>
    internal abstract TensorReader Reader(TensorEntry entry);

    /// <summary>Where in <see cref="Map"/> the elements of a tensor lie in row-major order, little-endian, if they do.</summary>
    internal abstract bool TryLocate(string name, out long position);

    /// <summary>The whole file as memory, which was long enough for all entries when it was opened; null where the tensors lie in several files.</summary>
    internal abstract MappedFile? Map();
}
