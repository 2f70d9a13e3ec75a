using System.Buffers.Binary;

namespace Dino.Tensors.Formats;

/// <summary>A run of elements that one or several tensors show.</summary>
internal sealed class TorchStorage
{
    private readonly FilePlace _place;
    private readonly bool _isBigEndian;
    private readonly TorchStorage? _whole;
    private readonly long _firstByte;
    private TorchBytes? _bytes;

    /// <param name="place">Named in errors.</param>
    /// <param name="key">Its key in the file.</param>
    /// <param name="type">Element type under its safetensors name.</param>
    /// <param name="count">Number of elements.</param>
    /// <param name="isBigEndian">How the file holds them.</param>
    public TorchStorage(FilePlace place, string key, string type, long count, bool isBigEndian = false)
    {
        (_place, Key, Type, Count, _isBigEndian) = (place, key, type, count, isBigEndian);
        ElementSize = SafetensorsTypes.Size(type);
    }

    /// <summary>A part of another storage.</summary>
    public TorchStorage(TorchStorage whole, string key, long first, long count)
        : this(whole._place, key, whole.Type, count, whole._isBigEndian) => (_whole, _firstByte) = (whole, whole._firstByte + (first * whole.ElementSize));

    public string Key { get; }

    public string Type { get; }

    public long Count { get; }

    public int ElementSize { get; }

    public long Length => Count * ElementSize;

    /// <summary>The stored bytes; in the older format they are known only after the pickle that speaks of them.</summary>
    public TorchBytes? Bytes
    {
        get => _whole is null ? _bytes : _whole.Bytes;
        set => _bytes = value;
    }

    public TorchFileException Error(string problem) => _place.Error(problem);

    /// <summary>The same bytes as elements of another type.</summary>
    public TorchStorage As(string type) => new(this, Key, type);

    private TorchStorage(TorchStorage whole, string key, string type)
        : this(whole._place, key, type, whole.Length / SafetensorsTypes.Size(type), whole._isBigEndian) => (_whole, _firstByte) = (whole, whole._firstByte);

    /// <summary>Elements as little-endian bytes.</summary>
    /// <param name="offset">First byte, at an element.</param>
    /// <param name="destination">Whole elements.</param>
    public void Read(long offset, Span<byte> destination)
    {
        if (destination.Length == 0)
            return;
        Required.Read(_firstByte + offset, destination);
        if (_isBigEndian)
            Swap(destination, ElementSize);
    }

    /// <summary>Where in the file an element's bytes are, for use in place.</summary>
    /// <exception cref="TorchFileException">The bytes do not have their checksum.</exception>
    public bool TryLocate(long offset, out long position)
    {
        position = 0;
        return !_isBigEndian && Required.TryLocate(_firstByte + offset, out position);
    }

    private TorchBytes Required => Bytes ?? throw Error($"storage '{Key}' has no data");

    private static void Swap(Span<byte> bytes, int size)
    {
        for (int i = 0; size > 1 && i < bytes.Length; i += size)
            bytes.Slice(i, size).Reverse();
    }
}
