namespace Dino.Tensors.Backends;

/// <summary>
/// Scratch memory of a backend: for each thread that calls it a stack of blocks, which grows to its high-water mark once and is then reused. Threads
/// therefore never share scratch, and one device serves many of them.
/// </summary>
public abstract partial class Backend
{
    private readonly ThreadLocal<ScratchStack> _scratch;

    /// <summary>A backend without scratch memory yet.</summary>
    protected Backend() => _scratch = new ThreadLocal<ScratchStack>(() => new ScratchStack(this), trackAllValues: true);

    /// <summary>Opens a frame of scratch memory; disposing it releases all it handed out. Frames nest.</summary>
    protected ScratchFrame OpenScratch() => new(_scratch.Value!);

    private void ReleaseScratch()
    {
        foreach (ScratchStack stack in _scratch.Values)
            stack.Release();
        _scratch.Dispose();
    }

    /// <summary>One user's scratch memory, until disposed.</summary>
    protected readonly ref struct ScratchFrame
    {
        private readonly ScratchStack _stack;
        private readonly (int Slab, long Used) _mark;

        internal ScratchFrame(ScratchStack stack) => (_stack, _mark) = (stack, stack.Position);

        /// <summary>Uninitialised memory of a shape, 64-byte aligned.</summary>
        public View Take(Shape shape, DType type = DType.F32) => new(_stack.Take(Math.Max(shape.Count, 1) * type.Size()), type, shape);

        /// <summary>Releases the frame.</summary>
        public void Dispose() => _stack.Position = _mark;
    }

    /// <summary>The blocks of one thread.</summary>
    internal sealed class ScratchStack(Backend backend)
    {
        private const long SlabBytes = 1 << 20;
        private readonly List<(nint Address, long Bytes)> _slabs = [];
        private int _slab;
        private long _used;

        public (int Slab, long Used) Position
        {
            get => (_slab, _used);
            set => (_slab, _used) = value;
        }

        public nint Take(long bytes)
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
            _slabs.Add((backend.Allocate(size), size));
            _used = bytes;
            return _slabs[_slab].Address;
        }

        public void Release()
        {
            foreach ((nint address, long bytes) in _slabs)
                backend.Free(address, bytes);
            _slabs.Clear();
            (_slab, _used) = (0, 0);
        }
    }
}
