namespace Dino.Tensors.Backends;

/// <summary>Scratch memory of a backend: a stack of blocks that grows to its high-water mark once and is then reused.</summary>
public abstract partial class Backend
{
    private const long SlabBytes = 1 << 20;
    private readonly List<(nint Address, long Bytes)> _slabs = [];
    private int _slab;
    private long _used;

    /// <summary>Opens a frame of scratch memory; disposing it releases all it handed out. Frames nest; one thread at a time.</summary>
    protected ScratchFrame OpenScratch() => new(this, _slab, _used);

    private nint TakeScratch(long bytes)
    {
        bytes = (bytes + 63) & ~63L;
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

        long size = Math.Max(bytes, SlabBytes << Math.Min(_slabs.Count, 8));
        _slabs.Add((Allocate(size), size));
        _used = bytes;
        return _slabs[_slab].Address;
    }

    private void ReleaseScratch()
    {
        foreach ((nint address, long bytes) in _slabs)
            Free(address, bytes);
        _slabs.Clear();
        (_slab, _used) = (0, 0);
    }

    /// <summary>One user's scratch memory, until disposed.</summary>
    protected readonly ref struct ScratchFrame
    {
        private readonly Backend _backend;
        private readonly int _slab;
        private readonly long _used;

        internal ScratchFrame(Backend backend, int slab, long used) => (_backend, _slab, _used) = (backend, slab, used);

        /// <summary>Uninitialised memory of a shape, 64-byte aligned.</summary>
        public View Take(Shape shape, DType type = DType.F32) =>
            new(_backend.TakeScratch(Math.Max(shape.Count, 1) * type.Size()), type, shape);

        /// <summary>Releases the frame.</summary>
        public void Dispose() => (_backend._slab, _backend._used) = (_slab, _used);
    }
}
