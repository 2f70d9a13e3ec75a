using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>
/// A handle to a contiguous, row-major tensor that lives in a <see cref="Scope"/> or a <see cref="TensorStore"/>. It owns nothing and
/// needs no disposal; use after its owner closed throws. Operations are in <c>Ops/</c>; results live where their operands live.
/// </summary>
public readonly partial struct Tensor : IEquatable<Tensor>
{
    private readonly TensorOwner? _owner;
    private readonly int _slot;
    private readonly uint _stamp;

    internal Tensor(TensorOwner owner, int slot, uint stamp) => (_owner, _slot, _stamp) = (owner, slot, stamp);

    /// <summary>Whether this handle names a tensor at all; false for <c>default</c>, which stands for an absent operand.</summary>
    public bool Exists => _owner is not null;

    /// <summary>Axis lengths.</summary>
    public Shape Shape => Record.Data.Shape;

    /// <summary>Element type.</summary>
    public DType DType => Record.Data.DType;

    /// <summary>Number of elements.</summary>
    public long Count => Record.Data.Count;

    /// <summary>Where the tensor lives.</summary>
    public Device Device => Owner.Device;

    /// <summary>Whether <see cref="Scope.Backward(Tensor, float)"/> will compute a gradient for this tensor.</summary>
    public bool RequiresGradient => Root.Record.RequiresGradient;

    /// <summary>Whether a gradient has arrived (false: the tensor took no part in the loss; optimizers skip it).</summary>
    public bool HasGradient => Root.Record.HasGradient;

    /// <summary>What backends see: for the authors of functions and backends.</summary>
    /// <exception cref="InvalidOperationException">The tensor was released.</exception>
    public View View
    {
        get
        {
            ref TensorRecord record = ref Record;
            if (record.Root.Exists)
                return record.Root.View with { Shape = record.Data.Shape };
            return record.IsReleased ? ((Scope)Owner).Restore(_slot) : record.Data;
        }
    }

    internal int Slot => _slot;

    /// <summary>Where the gradient of this tensor is kept: itself, or what it is another view of.</summary>
    internal Tensor Root
    {
        get
        {
            ref TensorRecord record = ref Record;
            return record.Root.Exists ? record.Root : this;
        }
    }

    internal TensorOwner Owner => _owner ?? throw new InvalidOperationException("This tensor handle is empty (default).");

    internal ref TensorRecord Record
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Owner.Resolve(_slot, _stamp);
    }

    /// <summary>View of an optional operand: <see cref="View.None"/> when the handle is empty.</summary>
    public static View OptionalView(Tensor tensor) => tensor.Exists ? tensor.View : View.None;

    /// <summary>The gradient, as a view of this tensor's shape.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message says why.</exception>
    public View GradientView
    {
        get
        {
            ref TensorRecord record = ref Root.Record;
            if (record.HasGradient)
                return Record.Data with { Address = record.Gradient };
            throw new InvalidOperationException(
                !record.RequiresGradient ? $"The tensor {Shape} does not require a gradient."
                : record.IsIntermediate ? $"The gradient of the intermediate tensor {Shape} was released during Backward; call RetainGradient() before it."
                : $"No gradient has arrived at the tensor {Shape}: Backward has not run, or the loss does not depend on it.");
        }
    }

    /// <summary>Keeps the gradient of an intermediate result after Backward.</summary>
    public Tensor RetainGradient()
    {
        Root.Record.RetainsGradient = true;
        return this;
    }

    /// <summary>
    /// Says that the forward pass is done with this intermediate result: its memory serves later ones. A value that Backward needs stays, or is
    /// computed again then where that is cheap (<see cref="Autograd.Function.CanRecompute"/>), so this never changes a result. Using the tensor
    /// afterwards throws. Tensors of a store stay.
    /// </summary>
    public void Release()
    {
        Tensor root = Root;
        if (root.Owner is Scope scope)
            scope.Release(root);
    }

    /// <summary>Copies the elements to the host, converted to F32.</summary>
    public float[] ToArray()
    {
        float[] values = new float[Count];
        Read(values);
        return values;
    }

    /// <summary>Copies the elements to the host, converted to F32. Allocates nothing.</summary>
    /// <exception cref="ShapeMismatchException">The span's length is not the tensor's count.</exception>
    public void Read(Span<float> destination) => Device.ReadSingles(View, destination);

    /// <summary>Copies an index tensor to the host.</summary>
    public int[] ToIndices()
    {
        Require(DType.I32, nameof(ToIndices));
        int[] values = new int[Count];
        Device.Backend.Download(View, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>The gradient, copied to the host.</summary>
    public float[] GradientToArray()
    {
        float[] values = new float[Count];
        Device.ReadSingles(GradientView, values);
        return values;
    }

    /// <summary>The value of a one-element tensor.</summary>
    public float Item()
    {
        if (Count != 1)
            throw new ShapeMismatchException($"Item: the tensor {Shape} has {Count} elements, not one.");
        float value = 0;
        Read(new Span<float>(ref value));
        return value;
    }

    /// <summary>Copies the elements into a tensor of the same count and type, in another scope or store of the same device too. No gradient flows.</summary>
    public void CopyTo(Tensor destination)
    {
        if (destination.Device != Device)
            throw new InvalidOperationException($"CopyTo: the source is on {Device}, the destination on {destination.Device}. Download and upload instead.");
        if (destination.Count != Count || destination.DType != DType)
            throw new ShapeMismatchException($"CopyTo: the source is {DType} {Shape}, the destination {destination.DType} {destination.Shape}.");
        Device.Backend.Copy(View, destination.View);
    }

    /// <summary>Refuses anything but F32 and, where the device works in it, the type of what the parts of a layer hand to each other.</summary>
    internal void RequireInner(string operation)
    {
        if (DType != Device.Backend.InnerType)
            Require(DType.F32, operation);
    }

    internal void Require(DType type, string operation)
    {
        if (DType != type)
            throw new InvalidOperationException($"{operation}: needs {type}, the tensor {Shape} is {DType}. Convert it with To(DType.{type}).");
    }

    /// <inheritdoc/>
    public bool Equals(Tensor other) => _owner == other._owner && _slot == other._slot && _stamp == other._stamp;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_owner, _slot, _stamp);

    /// <inheritdoc/>
    public override string ToString() => Exists ? $"{DType} {Shape} in {Owner.Label}" : "no tensor";

    /// <summary>Same tensor (identity, not equal elements; see <see cref="EqualTo"/>).</summary>
    public static bool operator ==(Tensor left, Tensor right) => left.Equals(right);

    /// <summary>Different tensors.</summary>
    public static bool operator !=(Tensor left, Tensor right) => !left.Equals(right);
}
