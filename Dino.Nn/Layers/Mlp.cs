using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Two linear layers with a GELU (exact form) between them.</summary>
/// <param name="scope">Where <c>fc1</c> and <c>fc2</c> are declared.</param>
/// <param name="width">Input and output width.</param>
/// <param name="hidden">Width between the layers.</param>
public sealed class Mlp(ParameterScope scope, int width, int hidden) : Module(scope), IFeedForward
{
    private readonly Linear _first = new(scope / "fc1", width, hidden);
    private readonly Linear _second = new(scope / "fc2", hidden, width);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default, default);

    /// <summary>residual + factors · mlp(x).</summary>
    public Tensor Forward(Tensor x, Tensor residual, Tensor factors) => Forward(x, new Junction(residual, factors));

    Tensor IFeedForward.Forward(Tensor x, Junction junction) => Forward(x, junction);

    private Tensor Forward(Tensor x, Junction junction)
    {
        RequireWidth(x, _first.Weight.Shape[1]);
        if (_first.Weight.Packed is null)
            return junction.Join(_first, _second, x);
        // Packed weights are a layer's own: each is read in the order of its format.
        Tensor hidden = _first.Forward(x, Activation.Gelu, type: x.Device.Backend.InnerType);
        Tensor y = junction.Join(_second, hidden);
        hidden.Release();
        return y;
    }
}
