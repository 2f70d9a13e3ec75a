using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A named tensor of a network: learned (a parameter) or kept beside the learning (a buffer, such as a running mean).</summary>
public sealed class Parameter
{
    private Tensor _tensor;
    private PackedWeight? _packed;

    internal Parameter(string name, Shape shape, Initializer initializer, bool isBuffer)
    {
        Name = name;
        Shape = shape;
        Initializer = initializer;
        IsBuffer = isBuffer;
    }

    /// <summary>PyTorch's name, such as <c>blocks.0.attn.qkv.weight</c>.</summary>
    public string Name { get; }

    /// <summary>Shape in PyTorch's layout.</summary>
    public Shape Shape { get; }

    /// <summary>Where its first values come from.</summary>
    public Initializer Initializer { get; }

    /// <summary>Not learned and not part of the EMA.</summary>
    public bool IsBuffer { get; }

    /// <summary>Never learned, but part of the EMA and of the state (the fixed g of a weight-normalised layer).</summary>
    public bool IsFixed { get; init; }

    /// <summary>The weight of a linear layer and nothing else: <see cref="ParameterStore.PackWeights"/> may pack it.</summary>
    public bool IsLinearWeight { get; init; }

    /// <summary>What is packed in place of the values, if not they themselves: a weight [N, K] in the order, and with the factors, that the layer computes with.</summary>
    internal Func<Scope, Tensor>? PackedForm { get; init; }

    /// <summary>
    /// Whether the scheduled weight decay applies: as in the official code, to everything with more than one axis that is not a bias.
    /// cls_token, pos_embed and weight_g [K, 1] are therefore decayed.
    /// </summary>
    public bool IsDecayed => Shape.Rank > 1 && !Name.EndsWith(".bias", StringComparison.Ordinal);

    /// <summary>Position in its store.</summary>
    public int Index { get; internal set; }

    /// <summary>The values as packed for inference, if they were.</summary>
    public PackedWeight? Packed
    {
        get => _packed;
        internal set => (_packed, _tensor) = (value, default);
    }

    /// <summary>The values.</summary>
    /// <exception cref="InvalidOperationException">The store has not been allocated, or the values have been packed and released.</exception>
    public Tensor Tensor
    {
        get => _tensor.Exists ? _tensor : throw new InvalidOperationException(_packed is null
            ? $"Parameter '{Name}' has no memory yet: call Allocate on its ParameterStore after building the network."
            : $"Parameter '{Name}' was packed as {_packed.Format} for inference, and its plain values have been released. Load the network without packing it to read or save them.");
        internal set => _tensor = value;
    }

    /// <summary>The values, where a tensor is expected.</summary>
    public static implicit operator Tensor(Parameter? parameter) => parameter?.Tensor ?? default;

    /// <summary>The values.</summary>
    public Tensor ToTensor() => Tensor;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Shape}";
}
