namespace Dino.Tensors.Backends;

/// <summary>
/// Scratch memory of a backend: for each call that is under way a stack of blocks, which grows to its high-water mark once and is then reused. Threads
/// never share one at the same time, so one device serves many of them; there are as many stacks as there were calls at once, however many threads
/// have come and gone.
/// </summary>
public abstract partial class Backend
{
    private readonly ThreadLocal<ScratchStack?> _scratch = new();
    private readonly Stack<ScratchStack> _idleScratch = new();
    private readonly Lock _scratchLock = new();

    /// <summary>Stacks made and not in use.</summary>
    internal int IdleScratchStacks => _idleScratch.Count;

    /// <summary>Opens a frame of scratch memory; disposing it releases all it handed out. Frames nest.</summary>
    protected ScratchFrame OpenScratch() => new(_scratch.Value ??= RentScratch());

    private ScratchStack RentScratch()
    {
        lock (_scratchLock)
            return _idleScratch.TryPop(out ScratchStack? stack) ? stack : new ScratchStack(this);
    }

    private void ReturnScratch(ScratchStack stack)
    {
        _scratch.Value = null;
        lock (_scratchLock)
            _idleScratch.Push(stack);
    }

    private void ReleaseScratch()
    {
        foreach (ScratchStack stack in _idleScratch)
            stack.Release();
        _idleScratch.Clear();
        _scratch.Dispose();
    }

    /// <summary>One user's scratch memory, until disposed.</summary>
    protected readonly ref struct ScratchFrame
    {
        private readonly ScratchStack _stack;
        private readonly (int Slab, long Used) _mark;

        internal ScratchFrame(ScratchStack stack)
        {
            (_stack, _mark) = (stack, stack.Position);
            stack.Frames++;
        }

        /// <summary>Uninitialised memory of a shape, 64-byte aligned.</summary>
        public View Take(Shape shape, DType type = DType.F32) => new(_stack.Take(Math.Max(shape.Count, 1) * type.Size()), type, shape);

        /// <summary>Releases the frame.</summary>
        public void Dispose()
        {
            _stack.Position = _mark;
            if (--_stack.Frames == 0)
                _stack.Owner.ReturnScratch(_stack);
        }
    }

    /// <summary>The blocks of one call and of the calls inside it.</summary>
    internal sealed class ScratchStack(Backend backend)
    {
        /// <summary>Enough for small work.</summary>
        private const long FirstSlabBytes = 1 << 20;

        /// <summary>Slabs beyond the first: worth big pages, for kernels stride through big scratch.</summary>
        private const long SlabBytes = 8 << 20;
        private readonly List<(nint Address, long Bytes)> _slabs = [];
        private int _slab;
        private long _used;

        public Backend Owner => backend;

        /// <summary>Frames open.</summary>
        public int Frames { get; set; }

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

            long size = Math.Max(bytes, _slabs.Count == 0 ? FirstSlabBytes : SlabBytes << Math.Min(_slabs.Count - 1, 5));
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
