using System.Buffers;
using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Data;

/// <summary>The pixels of the pictures of one batch, side by side in memory from which a device copies by itself. Workers add pictures at the same time.</summary>
/// <param name="augmentation">Where the memory comes from.</param>
internal sealed class PictureSlab(Augmentation augmentation) : IDisposable
{
    private const int FirstBytes = 1 << 20;

    /// <summary>What is asked for in one piece at most.</summary>
    public const long LargestBytes = 1 << 30;

    private readonly Lock _lock = new();
    private readonly List<IMemoryOwner<byte>> _owners = [];
    private readonly List<ReadOnlyMemory<byte>> _parts = [];
    private long _before;
    private int _wanted = FirstBytes;
    private int _used;

    /// <summary>The memory, one part behind the other; the last one as far as it is used.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Parts
    {
        get
        {
            if (_parts.Count > 0)
                _parts[^1] = _owners[^1].Memory[.._used];
            return CollectionsMarshal.AsSpan(_parts);
        }
    }

    /// <summary>Takes all pictures out. What needed several parts gets one that is large enough.</summary>
    public void Clear()
    {
        long bytes = 0;
        foreach (IMemoryOwner<byte> owner in _owners)
            bytes += owner.Memory.Length;
        if (_owners.Count > 1)
        {
            Dispose();
            _wanted = (int)Math.Min(bytes, LargestBytes);
        }

        (_before, _used) = (0, 0);
    }

    /// <summary>Copies a picture.</summary>
    /// <returns>Its first byte, counted over all parts.</returns>
    public long Add(ReadOnlySpan<byte> pixels)
    {
        TryAdd(pixels, long.MaxValue, out long position);
        return position;
    }

    /// <summary>Copies a picture, unless it would end beyond a limit.</summary>
    /// <param name="pixels">The picture.</param>
    /// <param name="limit">In bytes, counted over all parts; what is left empty at the end of one counts.</param>
    /// <param name="position">Its first byte, counted over all parts.</param>
    public bool TryAdd(ReadOnlySpan<byte> pixels, long limit, out long position)
    {
        Memory<byte> place;
        lock (_lock)
        {
            int length = _owners.Count == 0 ? 0 : _owners[^1].Memory.Length;
            bool fits = pixels.Length <= length - _used;
            position = _before + (fits ? _used : length);
            if (pixels.Length > limit - position)
                return false;
            if (!fits)
                Grow(Math.Max(_owners.Count == 0 ? _wanted : FirstBytes, pixels.Length));
            place = _owners[^1].Memory.Slice(_used, pixels.Length);
            _used += pixels.Length;
        }

        pixels.CopyTo(place.Span);
        return true;
    }

    /// <summary>Gives the memory back, which no copy may be reading.</summary>
    public void Dispose()
    {
        foreach (IMemoryOwner<byte> owner in _owners)
            owner.Dispose();
        _owners.Clear();
        _parts.Clear();
        (_before, _used) = (0, 0);
    }

    private void Grow(int bytes)
    {
        if (_owners.Count > 0)
        {
            // All of it is copied, so that positions behind it do not depend on how much is used.
            _parts[^1] = _owners[^1].Memory;
            _before += _owners[^1].Memory.Length;
        }

        _owners.Add(augmentation.AllocateHost(bytes));
        _parts.Add(_owners[^1].Memory);
        _used = 0;
    }
}
