using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>
/// One step or one request: the arena its tensors live in and the tape of what was computed. Closing it frees everything at once.
/// Open one with <see cref="Device.OpenScope"/>; use it from one thread at a time.
/// </summary>
public sealed partial class Scope : TensorOwner, IDisposable
{
    private readonly Arena _arena;
    private readonly Tape _tape = new();
    private readonly List<(nint Address, long Bytes)> _scratch = [];
    private int _epoch;
    private int _frameStart;
    private int _frameNodes;
    private bool _isOpen;
    private bool _isInBackward;

    internal Scope(Device device)
        : base(device) => _arena = new Arena(device.Backend);

    /// <summary>Whether operations are recorded.</summary>
    public GradMode Mode { get; private set; }

    /// <summary>The device's backend: for the authors of functions.</summary>
    public Backend Backend => Device.Backend;

    /// <summary>Bytes of device memory this scope holds.</summary>
    public long ReservedBytes => _arena.Reserved;

    internal override string Label => $"a scope on {Device}";

    internal void Open(GradMode mode)
    {
        Mode = mode;
        _isOpen = true;
    }

    /// <summary>An uninitialised tensor.</summary>
    public Tensor Empty(Shape shape, DType type = DType.F32) => Empty(shape, type, default);

    /// <summary>The same with room to spare.</summary>
    internal Tensor Empty(Shape shape, DType type, Spare spare)
    {
        ObjectDisposedException.ThrowIf(!_isOpen, this);
        long room = spare.Room(shape.Count * type.Size());
        Tensor tensor = Add(new View(_arena.Take(room), type, shape), requiresGradient: false);
        tensor.Record.Room = room;
        return tensor;
    }

    /// <summary>A tensor of one repeated value.</summary>
    public Tensor Full(Shape shape, float value, DType type = DType.F32)
    {
        Tensor tensor = Empty(shape, type);
        Backend.Fill(tensor.View, value);
        return tensor;
    }

    /// <summary>A tensor of zeros.</summary>
    public Tensor Zeros(Shape shape, DType type = DType.F32) => Full(shape, 0, type);

    /// <summary>
    /// Opens a frame: on disposal, tensors made since are freed and what was recorded since is forgotten. Copy what must stay into
    /// a tensor made before.
    /// </summary>
    public Frame OpenFrame()
    {
        Frame frame = new(this, _frameStart, _frameNodes, _arena.SetMark());
        (_frameStart, _frameNodes) = (Count, _tape.Count);
        return frame;
    }

    /// <summary>
    /// Computes the gradients of a one-element loss for every tensor that requires one and took part in it, and forgets what was recorded (inside a
    /// frame: since it was opened). Several losses: add them, then call this once; or, to hold one at a time, compute each in a frame of its own and call
    /// this there: gradients of stores add up.
    /// </summary>
    /// <param name="loss">[1].</param>
    /// <param name="weight">The gradients are those of the loss times this.</param>
    /// <exception cref="ShapeMismatchException">The loss is not one element.</exception>
    /// <exception cref="InvalidOperationException">The loss is not of this scope, nothing was recorded for it, or an earlier Backward has used that up.</exception>
    /// <remarks>After an exception gradients are incomplete: close the scope and clear those of parameters.</remarks>
    public void Backward(Tensor loss, float weight = 1)
    {
        if (loss.Owner != this)
            throw new InvalidOperationException($"Backward: the loss lives in {loss.Owner.Label}, not in this scope.");
        if (loss.Count != 1)
            throw new ShapeMismatchException($"Backward: the loss must be one element, it is {loss.Shape}. Reduce it with Sum() or Mean().");
        if (!loss.RequiresGradient)
            throw new InvalidOperationException("Backward: the loss depends on no tensor that requires a gradient (or the scope was opened with GradMode.Off).");
        _isInBackward = true;
        try
        {
            _tape.Run(this, loss, weight, _frameNodes);
        }
        finally
        {
            _isInBackward = false;
        }
    }

    /// <summary>
    /// Records how <paramref name="output"/> was made, if any input requires a gradient and this scope records; returns the node to fill
    /// with what its backward needs, or null. Name every tensor that the backward reads and somebody else may hold, also one without a gradient: it
    /// stays when it is released.
    /// </summary>
    public T? Record<T>(Tensor output, params ReadOnlySpan<Tensor> inputs)
        where T : Function, new()
    {
        if (Mode == GradMode.Off)
            return null;
        bool wanted = false;
        foreach (Tensor input in inputs)
            wanted |= input.Exists && input.RequiresGradient;
        if (!wanted)
            return null;
        ref TensorRecord record = ref output.Root.Record;
        record.RequiresGradient = true;
        record.IsIntermediate = true;
        T node = _tape.Push<T>();
        node.Output = output;
        record.Maker = node;
        if (node.ReadsInputs)
        {
            foreach (Tensor input in inputs)
            {
                if (input.Exists)
                    input.Root.Record.IsSaved = true;
            }
        }

        return node;
    }

    /// <summary>The one scope among the operands; parameters of stores may be mixed in.</summary>
    /// <exception cref="InvalidOperationException">Operands of different scopes or devices, or no scope at all; names them.</exception>
    public static Scope Of(string operation, params ReadOnlySpan<Tensor> operands)
    {
        Scope? scope = null;
        foreach (Tensor operand in operands)
        {
            if (operand.Exists && operand.Owner is Scope owner)
            {
                if (scope is not null && scope != owner)
                    throw new InvalidOperationException($"{operation}: operands live in different scopes ({scope.Label} and {owner.Label}). Copy one over with CopyTo.");
                scope = owner;
            }
        }

        if (scope is null)
            throw new InvalidOperationException($"{operation}: all operands are parameters of a store; results need a scope. Use scope.Use(parameter) for one of them.");
        foreach (Tensor operand in operands)
        {
            if (operand.Exists && operand.Device != scope.Device)
                throw new InvalidOperationException($"{operation}: operands live on {scope.Device} and {operand.Device}.");
        }

        return scope;
    }

    /// <summary>A tensor of a store as a tensor of this scope (same memory); gradients flow through.</summary>
    public Tensor Use(Tensor tensor)
    {
        if (tensor.Device != Device)
            throw new InvalidOperationException($"Use: the tensor lives on {tensor.Device}, the scope on {Device}.");
        return Alias(tensor, tensor.Shape);
    }

    /// <summary>The same memory and the same gradient under another shape.</summary>
    internal Tensor Alias(Tensor tensor, Shape shape)
    {
        ObjectDisposedException.ThrowIf(!_isOpen, this);
        Tensor alias = Add(tensor.View.As(shape), requiresGradient: false);
        alias.Record.Root = tensor.Root;
        return alias;
    }

    /// <summary>The same memory without a gradient.</summary>
    internal Tensor Detached(Tensor tensor, Shape shape)
    {
        ObjectDisposedException.ThrowIf(!_isOpen, this);
        // Memory that two tensors show is given back by neither.
        tensor.Root.Record.IsSaved = true;
        Tensor detached = Add(tensor.View.As(shape), requiresGradient: false);
        detached.Record.IsSaved = true;
        return detached;
    }

    /// <summary>Whether a tensor was made inside the innermost open frame, so that its gradient may live there too.</summary>
    internal bool IsInFrame(int slot) => slot >= _frameStart;

    internal override nint TakeGradient(int slot) => IsInFrame(slot)
        ? _arena.Take(At(slot).Room)
        : throw new InvalidOperationException($"Backward inside a frame reaches the tensor {At(slot).Data.Shape} made before the frame; its gradient would be freed with the frame. Make the tensor inside the frame, or call Backward outside it.");

    internal void Recycle(nint address, long bytes) => _arena.Recycle(address, bytes);

    /// <summary>Refuses a type of results that is neither F32 nor what parts of a layer hand to each other on this device.</summary>
    internal void RequireInner(DType type, string operation)
    {
        if (type != DType.F32 && type != Backend.InnerType)
            throw new NotSupportedException($"{operation}: {Device} does not make {type} of it. Ask for {(Backend.InnerType == DType.F32 ? "F32" : $"F32 or {Backend.InnerType}")}.");
    }

    /// <summary>Memory for the duration of one backward function.</summary>
    internal View TakeScratch(Shape shape, DType type = DType.F32, Spare spare = default)
    {
        long room = spare.Room(shape.Count * type.Size());
        View view = new(_arena.Take(room), type, shape);
        _scratch.Add((view.Address, room));
        return view;
    }

    internal void ReleaseScratch()
    {
        foreach ((nint address, long bytes) in _scratch)
            _arena.Recycle(address, bytes);
        _scratch.Clear();
    }

    internal void CloseFrame(int outerStart, int outerNodes, Arena.Mark mark, int epoch)
    {
        // A frame that outlives its scope has nothing left to free.
        if (epoch != _epoch)
            return;
        _tape.Truncate(_frameNodes);
        Truncate(_frameStart);
        ForgetRounded();
        (_frameStart, _frameNodes) = (outerStart, outerNodes);
        _arena.Rewind(mark);
    }

    /// <summary>Frees all tensors of the scope at once; their handles become stale. The device keeps the memory for its next scope.</summary>
    /// <remarks>Dispose once, best by <c>using</c>: after that the device may hand this object to another step, which a second Dispose would close.</remarks>
    public void Dispose()
    {
        if (!_isOpen)
            return;
        _isOpen = false;
        (_frameStart, _frameNodes) = (0, 0);
        CloseFrame(0, 0, default, _epoch);
        _epoch++;
        Device.Return(this);
    }

    internal void Destroy() => _arena.Dispose();

    /// <summary>Part of a scope that is freed early.</summary>
    public readonly ref struct Frame
    {
        private readonly Scope _scope;
        private readonly int _outerStart;
        private readonly int _outerNodes;
        private readonly Arena.Mark _mark;
        private readonly int _epoch;

        internal Frame(Scope scope, int outerStart, int outerNodes, Arena.Mark mark) =>
            (_scope, _outerStart, _outerNodes, _mark, _epoch) = (scope, outerStart, outerNodes, mark, scope._epoch);

        /// <summary>Frees what was made since the frame was opened.</summary>
        public void Dispose() => _scope.CloseFrame(_outerStart, _outerNodes, _mark, _epoch);
    }
}
