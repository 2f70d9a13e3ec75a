using System.Runtime.InteropServices;
using Dino.Tensors.Cpu;

namespace Dino.Tensors.Formats;

/// <summary>
/// Tensors of another file under other names, with other shapes, or joined: what the naming of one library calls three tensors may be one in another.
/// Nothing is read before it is asked for, and a joined tensor is read straight to where it is wanted.
/// </summary>
public sealed class TensorView : TensorFile
{
    private readonly TensorFile _source;
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorPart[]> _parts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<float[]>> _values = new(StringComparer.Ordinal);

    /// <summary>A view without tensors.</summary>
    /// <param name="source">Stays the caller's to close, after the last use of the view.</param>
    public TensorView(TensorFile source)
        : base(source.FilePath) => _source = source;

    /// <inheritdoc/>
    public override string Format => _source.Format;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => _source.Metadata;

    /// <summary>Adds a tensor of the source.</summary>
    /// <param name="name">Its name in the view.</param>
    /// <param name="entry">The tensor of the source.</param>
    /// <exception cref="InvalidDataException">The name is taken.</exception>
    public void Add(string name, TensorEntry entry) => Add(name, entry.Shape, TensorPart.Of(entry));

    /// <summary>Adds a tensor whose elements are those of its parts, one after another: joined along the first axis that is longer than 1.</summary>
    /// <param name="name">Its name in the view.</param>
    /// <param name="shape">Axis lengths, for as many elements as the parts have.</param>
    /// <param name="parts">At least one of the source, all of one element type.</param>
    /// <exception cref="InvalidDataException">The name is taken, or the parts have not one type.</exception>
    public void Add(string name, IReadOnlyList<long> shape, params ReadOnlySpan<TensorPart> parts)
    {
        string? type = null;
        long count = 0;
        foreach (TensorPart part in parts)
        {
            count += part.Count;
            if (part.Source is null)
                continue;
            TensorEntry entry = _source.Entry(part.Source);
            if ((type ??= entry.Type) != entry.Type)
                throw new InvalidDataException($"{FilePath}: '{name}' is made of tensors of different types: '{entry.Name}' is {entry.Type}, those before it {type}.");
        }

        TensorEntry joined = new(name, type ?? throw new ArgumentException($"'{name}' has no part of the source.", nameof(parts)), shape);
        if (joined.Count != count)
            throw new ArgumentException($"'{name}' {joined.ShapeText} has {joined.Count} elements, its parts {count}.", nameof(parts));
        Take(joined);
        _parts.Add(name, parts.ToArray());
    }

    /// <summary>Adds an F32 tensor that is computed when it is read.</summary>
    /// <param name="name">Its name in the view.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="values">Gives as many values as the shape asks for.</param>
    /// <exception cref="InvalidDataException">The name is taken.</exception>
    public void AddValues(string name, IReadOnlyList<long> shape, Func<float[]> values)
    {
        Take(new TensorEntry(name, "F32", shape));
        _values.Add(name, values);
    }

    /// <summary>Puts what is computed of a tensor in its place.</summary>
    /// <param name="name">A tensor of the view.</param>
    /// <param name="shape">Axis lengths of the result.</param>
    /// <param name="compute">Gives as many values as the shape asks for, of the values so far.</param>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public void Replace(string name, IReadOnlyList<long> shape, Func<float[], float[]> compute)
    {
        TensorView before = new(_source);
        before._entries.Add(name, Entry(name));
        if (_parts.Remove(name, out TensorPart[]? parts))
            before._parts.Add(name, parts);
        if (_values.Remove(name, out Func<float[]>? values))
            before._values.Add(name, values);
        _entries.Remove(name);
        AddValues(name, shape, () => compute(before.ReadSingles(name)));
    }

    /// <summary>Does nothing: the source is closed by whoever opened it.</summary>
    public override void Dispose() { }

    internal override TensorReader Reader(TensorEntry entry)
    {
        if (_values.TryGetValue(entry.Name, out Func<float[]>? values))
        {
            float[] computed = values();
            return (offset, destination) => MemoryMarshal.AsBytes<float>(computed).Slice((int)offset, destination.Length).CopyTo(destination);
        }

        TensorPart[] parts = _parts[entry.Name];
        if (parts is [{ Source: { } only }])
            return _source.Reader(_source.Entry(only));
        int size = SafetensorsTypes.Size(entry.Type);
        TensorReader?[] readers = Array.ConvertAll(parts, part => part.Source is null ? null : _source.Reader(_source.Entry(part.Source)));
        return (offset, destination) => Read(parts, readers, size, offset, destination);
    }

    internal override bool TryLocate(string name, out long position)
    {
        position = 0;
        return _parts.TryGetValue(name, out TensorPart[]? parts) && parts is [{ Source: { } only }] && _source.TryLocate(only, out position);
    }

    internal override MappedFile? Map() => _source.Map();

    private static void Read(TensorPart[] parts, TensorReader?[] readers, int size, long offset, Span<byte> destination)
    {
        for (int i = 0; i < parts.Length && destination.Length > 0; i++)
        {
            long length = parts[i].Count * size;
            if (offset < length)
            {
                Span<byte> run = destination[..(int)Math.Min(length - offset, destination.Length)];
                if (readers[i] is { } read)
                    read(offset, run);
                else
                    run.Clear();
                destination = destination[run.Length..];
                offset += run.Length;
            }

            offset -= length;
        }
    }

    private void Take(TensorEntry entry)
    {
        if (!_entries.TryAdd(entry.Name, entry))
            throw new InvalidDataException($"{FilePath}: two tensors mean '{entry.Name}'.");
    }
}
