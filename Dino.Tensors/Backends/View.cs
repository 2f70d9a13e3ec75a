using System.Runtime.CompilerServices;

namespace Dino.Tensors.Backends;

/// <summary>What a backend sees of a tensor: contiguous memory on its device, an element type and a shape.</summary>
/// <param name="Address">First element, in the address space of the device; 0 for <see cref="None"/>.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Axis lengths; row-major, no gaps.</param>
public readonly record struct View(nint Address, DType DType, Shape Shape)
{
    /// <summary>An operand that is absent (a bias that a layer does not have, an output nobody wants).</summary>
    public static View None => default;

    /// <summary>Whether there is memory behind this view.</summary>
    public bool Exists => Address != 0;

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>Number of bytes.</summary>
    public long Bytes => Count * DType.Size();

    /// <summary>Length of the last axis; 1 for a scalar.</summary>
    public int Columns => Shape.Rank == 0 ? 1 : Shape[Shape.Rank - 1];

    /// <summary>Number of rows: the product of all axes but the last.</summary>
    public long Rows => Shape.Rank == 0 ? 1 : Shape.Product(0, Shape.Rank - 1);

    /// <summary>The same memory under another shape of the same count.</summary>
    public View As(Shape shape)
    {
        if (shape.Count != Count)
            throw new ShapeMismatchException($"View {Shape} cannot be seen as {shape}: {Count} elements against {shape.Count}.");
        return this with { Shape = shape };
    }

    /// <summary>Part of the memory, from an element offset on.</summary>
    public View Slice(long offset, Shape shape) => new(Address + (nint)(offset * DType.Size()), DType, shape);

    internal unsafe float* F32
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (float*)Address;
    }

    internal unsafe int* I32
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (int*)Address;
    }
}

/// <summary>Where a kernel writes a result that may have to be added to what is there: gradients above all.</summary>
/// <param name="View">The memory; <see cref="View.None"/> when nobody wants this result.</param>
/// <param name="Accumulate">Add to what is there; otherwise overwrite (what is there is undefined).</param>
public readonly record struct Destination(View View, bool Accumulate = false)
{
    /// <summary>A result nobody wants.</summary>
    public static Destination None => default;

    /// <summary>Whether the kernel has to produce this result.</summary>
    public bool IsWanted => View.Exists;

    /// <summary>0 to overwrite, 1 to accumulate: the beta of a GEMM or axpby.</summary>
    public float Beta => Accumulate ? 1f : 0f;
}

/// <summary>Memory walked with arbitrary element strides (0 repeats, negative reverses): the operand of a strided copy.</summary>
public readonly struct StridedView
{
    [InlineArray(Shape.MaxRank)]
    private struct StrideArray
    {
        private long _first;
    }

    private readonly StrideArray _strides;

    /// <summary>A walk over <paramref name="shape"/> that begins at <paramref name="address"/>.</summary>
    public StridedView(nint address, DType type, Shape shape, params ReadOnlySpan<long> strides)
    {
        Address = address;
        DType = type;
        Shape = shape;
        strides[..shape.Rank].CopyTo(_strides);
    }

    /// <summary>A contiguous view as a strided one.</summary>
    public StridedView(in View view)
    {
        Address = view.Address;
        DType = view.DType;
        Shape = view.Shape;
        view.Shape.Strides(_strides);
    }

    /// <summary>The first element visited.</summary>
    public nint Address { get; }

    /// <summary>Element type.</summary>
    public DType DType { get; }

    /// <summary>Lengths of the walk.</summary>
    public Shape Shape { get; }

    /// <summary>Element stride of an axis.</summary>
    public long Stride(int axis) => _strides[axis];
}
