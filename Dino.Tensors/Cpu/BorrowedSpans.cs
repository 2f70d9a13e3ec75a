using System.Numerics.Tensors;

namespace Dino.Tensors;

/// <summary>Host memory of others as tensors, without a copy.</summary>
public sealed partial class Scope
{
    /// <summary>
    /// Does some work with a tensor that shows host memory: where the device computes in host memory the tensor is that memory, elsewhere a copy of it.
    /// The tensor and what is made from it are freed when the work is done, so the work copies its result out.
    /// </summary>
    /// <typeparam name="TState">What the work needs to know; may be a span.</typeparam>
    /// <param name="values">Row-major elements, as many as the shape has. They are read, not written, and not given to the arena.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="state">Handed to the work.</param>
    /// <param name="work">Gets the tensor and the state.</param>
    /// <exception cref="ShapeMismatchException">Wrong number of values.</exception>
    public unsafe void Borrow<TState>(ReadOnlySpan<float> values, Shape shape, TState state, Action<Tensor, TState> work)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(work);
        if (values.Length != shape.Count)
            throw new ShapeMismatchException($"Borrow: {values.Length} values for shape {shape}, which has {shape.Count} elements.");
        ObjectDisposedException.ThrowIf(!_isOpen, this);
        using Frame frame = OpenFrame();
        if (Device is not CpuDevice || values.IsEmpty)
        {
            work(Upload(values, shape), state);
            return;
        }

        fixed (float* address = values)
        {
            Tensor borrowed = Add(new Backends.View((nint)address, DType.F32, shape), requiresGradient: false);
            // Releasing it must not give the arena memory that is not its own.
            borrowed.Record.IsSaved = true;
            work(borrowed, state);
        }
    }

    /// <inheritdoc cref="Borrow{TState}(ReadOnlySpan{float}, Shape, TState, Action{Tensor, TState})"/>
    /// <param name="values">The elements; strided ones are copied.</param>
    /// <exception cref="ShapeMismatchException">More than six axes.</exception>
    public void Borrow<TState>(in ReadOnlyTensorSpan<float> values, TState state, Action<Tensor, TState> work)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(work);
        if (!values.IsDense || values.IsEmpty || values.FlattenedLength > int.MaxValue || values.Rank > Shape.MaxRank)
        {
            using Frame frame = OpenFrame();
            work(Upload(values), state);
            return;
        }

        Span<int> lengths = stackalloc int[values.Rank];
        Span<nint> start = stackalloc nint[values.Rank];
        start.Clear();
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = checked((int)values.Lengths[i]);
        Borrow(values.GetSpan(start, (int)values.FlattenedLength), new Shape(lengths), state, work);
    }
}
