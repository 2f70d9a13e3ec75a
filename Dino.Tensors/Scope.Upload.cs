using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Tensors of values that the host has.</summary>
public sealed partial class Scope
{
    /// <summary>A tensor with host values. T is float (F32), Half (F16), int (I32) or byte (U8).</summary>
    /// <param name="values">Row-major elements, as many as the shape has.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="requiresGradient">Makes it a leaf that gets a gradient (F32 only).</param>
    /// <exception cref="ShapeMismatchException">Wrong number of values.</exception>
    public Tensor Upload<T>(ReadOnlySpan<T> values, Shape shape, bool requiresGradient = false)
        where T : unmanaged => Upload(values, shape, requiresGradient, default);

    /// <summary>The same with room for more: where the length of the first axis changes from step to step, the addresses of later tensors do not.</summary>
    /// <param name="values">Row-major elements, as many as the shape has.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="whole">The largest length of the first axis.</param>
    /// <exception cref="ShapeMismatchException">Wrong number of values.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The first axis is longer.</exception>
    public Tensor Upload<T>(ReadOnlySpan<T> values, Shape shape, int whole)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(whole, shape[0]);
        return Upload(values, shape, false, new Spare(whole, shape[0]));
    }

    /// <inheritdoc cref="Upload{T}(ReadOnlySpan{T}, Shape, bool)"/>
    public Tensor Upload<T>(T[] values, Shape shape, bool requiresGradient = false)
        where T : unmanaged => Upload((ReadOnlySpan<T>)values, shape, requiresGradient);

    /// <summary>A copy of a .NET tensor, dense or strided.</summary>
    /// <param name="values">The elements; the new tensor has their lengths.</param>
    /// <param name="requiresGradient">Makes it a leaf that gets a gradient.</param>
    /// <exception cref="ShapeMismatchException">More than six axes.</exception>
    public Tensor Upload(in ReadOnlyTensorSpan<float> values, bool requiresGradient = false)
    {
        if (values.Rank > Shape.MaxRank)
            throw new ShapeMismatchException($"Upload: the span has {values.Rank} axes, a tensor at most {Shape.MaxRank}.");
        Span<int> lengths = stackalloc int[values.Rank];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = checked((int)values.Lengths[i]);
        int count = checked((int)values.FlattenedLength);
        float[] flat = ArrayPool<float>.Shared.Rent(count);
        values.FlattenTo(flat);
        Tensor tensor = Upload(flat.AsSpan(0, count), new Shape(lengths), requiresGradient);
        ArrayPool<float>.Shared.Return(flat);
        return tensor;
    }

    private Tensor Upload<T>(ReadOnlySpan<T> values, Shape shape, bool requiresGradient, Spare spare)
        where T : unmanaged
    {
        DType type = typeof(T) == typeof(float) ? DType.F32
            : typeof(T) == typeof(int) ? DType.I32
            : typeof(T) == typeof(byte) ? DType.U8
            : typeof(T) == typeof(Half) ? DType.F16
            : throw new NotSupportedException($"Upload takes float, Half, int or byte, not {typeof(T).Name}.");
        if (values.Length != shape.Count)
            throw new ShapeMismatchException($"Upload: {values.Length} values for shape {shape}, which has {shape.Count} elements.");
        if (requiresGradient && type != DType.F32)
            throw new InvalidOperationException($"Upload: only F32 tensors have gradients, not {type}.");
        Tensor tensor = Empty(shape, type, spare);
        Backend.Upload(MemoryMarshal.AsBytes(values), tensor.View);
        tensor.Record.RequiresGradient = requiresGradient;
        return tensor;
    }
}
