using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

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

        return x.Normalize().WeightNormLinear(Directions, Lengths);
    }
}
