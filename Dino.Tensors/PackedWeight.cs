using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The weight of a linear layer in the order, and the number format, in which the device computes with it fastest: for inference, where weights are constant.</summary>
/// <remarks>It owns its memory and is a copy: the weight it was made of may go.</remarks>
public sealed class PackedWeight : IDisposable
{
    private nint _memory;

    /// <summary>Packs a weight.</summary>
    /// <param name="weight">[N, ..], F32; seen as [N, K].</param>
    /// <param name="format">How to store it.</param>
    /// <exception cref="ShapeMismatchException">The weight has fewer than two axes, or no elements.</exception>
    /// <exception cref="NotSupportedException">The format cannot hold so many inputs.</exception>
    public PackedWeight(Tensor weight, WeightFormat format)
    {
        weight.Require(DType.F32, nameof(PackedWeight));
        if (weight.Shape.Rank < 2 || weight.Count == 0)
            throw new ShapeMismatchException($"PackedWeight: a weight [N, K] with elements is needed, not {weight.Shape}.");
        int outputs = weight.Shape[0], inputs = checked((int)weight.Shape.Product(1, weight.Shape.Rank));
        if (format == WeightFormat.I8 && inputs > Quantization.MaxInputs)
            throw new NotSupportedException($"PackedWeight: {weight.Shape} sums over {inputs} inputs; {WeightFormat.I8} takes at most {Quantization.MaxInputs}.");
        (Device, Format, Outputs, Inputs) = (weight.Device, format, outputs, inputs);
        Bytes = Device.Backend.PackedBytes(format, outputs, inputs);
        _memory = Device.Backend.Allocate(Bytes);
        Device.Backend.Pack(weight.View.As([outputs, inputs]), View);
    }

    /// <summary>Where it lives.</summary>
    public Device Device { get; }

    /// <summary>How it is stored.</summary>
    public WeightFormat Format { get; }

    /// <summary>N.</summary>
    public int Outputs { get; }

    /// <summary>K.</summary>
    public int Inputs { get; }

    /// <summary>Device memory it takes.</summary>
    public long Bytes { get; }

    /// <summary>What backends see.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public PackedView View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == 0, this);
            return new PackedView(_memory, Format, Outputs, Inputs);
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        if (_memory == 0)
            return;
        Device.Backend.Free(_memory, Bytes);
        _memory = 0;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Format} [{Outputs}, {Inputs}]";
}
