using System.Numerics.Tensors;

namespace Dino.Tensors;

/// <summary>Views of CPU memory as .NET's own tensors.</summary>
public readonly partial struct Tensor
{
    /// <summary>The elements as a <see cref="ReadOnlyTensorSpan{T}"/>, without a copy; a scalar has one axis of length 1.</summary>
    /// <remarks>The span knows nothing of scopes: it is valid while this tensor's scope or store is open, and must not be used after.</remarks>
    /// <exception cref="InvalidOperationException">The tensor is not F32, or does not live on the CPU.</exception>
    public unsafe ReadOnlyTensorSpan<float> AsTensorSpan()
    {
        Require(DType.F32, nameof(AsTensorSpan));
        if (Device is not CpuDevice)
            throw new InvalidOperationException($"AsTensorSpan: the tensor {Shape} lives on {Device}, whose memory the CPU cannot see. Copy it with ToArray or Read.");
        Shape shape = Shape.Rank == 0 ? [1] : Shape;
        Span<nint> lengths = stackalloc nint[shape.Rank];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = shape[i];
        return new ReadOnlyTensorSpan<float>(View.F32, (nint)Count, lengths);
    }

    /// <summary>The elements of an F32 tensor that lives in host memory; false for any other.</summary>
    internal unsafe bool TryGetHostSpan(out Span<float> elements)
    {
        bool isHost = DType == DType.F32 && Device is CpuDevice && Count <= int.MaxValue;
        elements = isHost ? new Span<float>(View.F32, (int)Count) : default;
        return isHost;
    }
}
