using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>
/// Bump allocator over slabs that are kept from step to step: the same sequence of requests gets the same addresses every time.
/// Blocks given back early (intermediate results and their gradients) are reused by later requests of exactly the same size.
/// </summary>
internal sealed class Arena(Backend backend) : IDisposable
{
    /// <summary>Big enough that a training step needs few slabs, small enough that an inference does not hold much.</summary>
    private const long SlabBytes = 8L << 20;
    private const int Alignment = 64;

    private readonly List<(nint Address, long Bytes)> _slabs = [];
    private readonly List<(nint Address, long Bytes)> _free = [];
    private int _slab;
    private long _used;
    private int _firstFree;

    internal readonly record struct Mark(int Slab, long Used, int Free, int FirstFree);

    /// <summary>Bytes of all slabs.</summary>
    public long Reserved { get; private set; }

    /// <summary>Begins a stretch of memory that <see cref="Rewind"/> will forget. Blocks given back before it stay out of its reach.</summary>
    public Mark SetMark()
    {
        Mark mark = new(_slab, _used, _free.Count, _firstFree);
        _firstFree = _free.Count;
        return mark;
    }

    private nint Extend(long bytes)
    {
        while (_slab < _slabs.Count)
        {
            if (_used + bytes <= _slabs[_slab].Bytes)
            {
                nint address = _slabs[_slab].Address + (nint)_used;
                _used += bytes;
                return address;
            }

            _slab++;
            _used = 0;
        }

        // Each new slab is a quarter of what is held: few slabs in the end, little held in vain.
        long size = Math.Max(bytes, Math.Max(SlabBytes, Reserved / 4 / Alignment * Alignment));
        _slabs.Add((backend.Allocate(size), size));
        Reserved += size;
        _used = bytes;
        return _slabs[_slab].Address;
    }

    /// <summary>A block, one that has been given back if there is one of that size.</summary>
    public nint Take(long bytes)
    {
        bytes = Round(bytes);
        for (int i = _free.Count - 1; i >= _firstFree; i--)
        {
            if (_free[i].Bytes == bytes)
            {
                nint address = _free[i].Address;
                _free.RemoveAt(i);
                return address;
            }
        }

        return Extend(bytes);
    }

    public void Recycle(nint address, long bytes) => _free.Add((address, Round(bytes)));

    /// <summary>Forgets everything taken and given back since <paramref name="mark"/>.</summary>
    public void Rewind(Mark mark)
    {
        (_slab, _used, _firstFree) = (mark.Slab, mark.Used, mark.FirstFree);
        _free.RemoveRange(mark.Free, _free.Count - mark.Free);
    }

    public void Dispose()
    {
        foreach ((nint address, long bytes) in _slabs)
            backend.Free(address, bytes);
        _slabs.Clear();
        _free.Clear();
        (_slab, _used, _firstFree, Reserved) = (0, 0, 0, 0);
    }

    private static long Round(long bytes) => (Math.Max(bytes, 1) + Alignment - 1) / Alignment * Alignment;
}
