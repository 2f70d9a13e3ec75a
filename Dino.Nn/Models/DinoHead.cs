using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Shape of a <see cref="DinoHead"/>; the defaults are the official ones.</summary>
public sealed record DinoHeadOptions
{
    /// <summary>K, the number of prototypes.</summary>
    public int Prototypes { get; init; } = 65536;

    /// <summary>Linear layers before the normalisation, 1 to any.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Width of the hidden layers.</summary>
    public int Hidden { get; init; } = 2048;

    /// <summary>Width that is L2-normalised.</summary>
    public int Bottleneck { get; init; } = 256;

    /// <summary>Batch norm after each hidden layer.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Fixes the lengths g of the prototypes at 1 (norm_last_layer).</summary>
    public bool FixedLength { get; init; } = true;

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">Something is not positive.</exception>
    public void Validate()
    {
        if (Prototypes < 1 || Layers < 1 || Hidden < 1 || Bottleneck < 1)
            throw new ArgumentException($"All sizes of a DINO head must be positive: prototypes {Prototypes}, layers {Layers}, hidden {Hidden}, bottleneck {Bottleneck}.");
    }
}

/// <summary>The projection head of DINO: an MLP, L2 normalisation, and a weight-normalised linear layer onto K prototypes.</summary>
/// <remarks>Caron et al. 2021, section 3.1 and appendix C. There is no predictor.</remarks>
public sealed class DinoHead : Module
{
    private readonly Linear[] _linears;
    private readonly BatchNorm?[] _norms;

    /// <summary>A DINO head.</summary>
    /// <param name="scope">Where <c>mlp</c> and <c>last_layer</c> are declared.</param>
    /// <param name="width">Width of the features.</param>
    /// <param name="options">Sizes.</param>
    public DinoHead(ParameterScope scope, int width, DinoHeadOptions options)
        : base(scope)
    {
        options.Validate();
        _linears = new Linear[options.Layers];
        _norms = new BatchNorm?[options.Layers];
        // Positions in torch's Sequential: Linear, [BatchNorm], GELU, ...; a single layer is not wrapped.
        int stride = options.BatchNorm ? 3 : 2;
        for (int i = 0; i < options.Layers; i++)
        {
            bool isLast = i == options.Layers - 1;
            ParameterScope place = options.Layers == 1 ? scope / "mlp" : scope / "mlp" / (i * stride);
            _linears[i] = new Linear(place, i == 0 ? width : options.Hidden, isLast ? options.Bottleneck : options.Hidden);
            _norms[i] = options.BatchNorm && !isLast ? new BatchNorm(scope / "mlp" / ((i * stride) + 1), options.Hidden) : null;
        }

        ParameterScope last = scope / "last_layer";
        Lengths = last.Parameter("weight_g", [options.Prototypes, 1], Initializer.Ones, isFixed: options.FixedLength);
        Directions = last.Parameter("weight_v", [options.Prototypes, options.Bottleneck], Initializer.FanIn(options.Bottleneck));
    }

    /// <summary>g [K, 1]: lengths of the prototypes.</summary>
    public Parameter Lengths { get; }

    /// <summary>v [K, bottleneck]: directions of the prototypes.</summary>
    public Parameter Directions { get; }

    /// <inheritdoc/>
    /// <param name="x">Features [B, D].</param>
    /// <returns>Logits [B, K].</returns>
    public override Tensor Forward(Tensor x)
    {
        for (int i = 0; i < _linears.Length; i++)
        {
            bool isLast = i == _linears.Length - 1;
            if (_norms[i] is { } norm)
                x = norm.Forward(_linears[i].Forward(x)).Gelu();
            else
                x = _linears[i].Forward(x, isLast ? Activation.Identity : Activation.Gelu);
        }

        Scope scope = Scope.Of(nameof(DinoHead), x);
        return x.Normalize().Linear(scope.Use(Directions).WeightNorm(Lengths));
    }
}
