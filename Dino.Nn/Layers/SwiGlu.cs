using Dino.Tensors;

namespace Dino.Nn;

/// <summary>w3(silu(a) · b), where a and b are linear functions of x: of one weight <c>w12</c>, or of two, <c>w1</c> and <c>w2</c>.</summary>
/// <remarks>Shazeer 2020, eq. 6.</remarks>
public sealed class SwiGlu : Module, IFeedForward
{
    private readonly Linear? _both;
    private readonly Linear? _gate;
    private readonly Linear? _values;
    private readonly Linear _last;

    /// <summary>A SwiGLU.</summary>
    /// <param name="scope">Where the weights are declared.</param>
    /// <param name="width">Input and output width.</param>
    /// <param name="hidden">Width of a and b.</param>
    /// <param name="split">Whether a and b have a weight each.</param>
    public SwiGlu(ParameterScope scope, int width, int hidden, bool split)
        : base(scope)
    {
        if (split)
            (_gate, _values) = (new Linear(scope / "w1", width, hidden), new Linear(scope / "w2", width, hidden));
        else
            _both = new Linear(scope / "w12", width, 2 * hidden);
        _last = new Linear(scope / "w3", hidden, width);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default);

    Tensor IFeedForward.Forward(Tensor x, Junction junction) => Forward(x, junction);

    private Tensor Forward(Tensor x, Junction junction)
    {
        Tensor hidden;
        if (_both is not null)
        {
            Tensor both = _both.Forward(x);
            hidden = both.SwiGlu();
            both.Release();
        }
        else
        {
            Tensor gate = _gate!.Forward(x), values = _values!.Forward(x);
            hidden = gate.SwiGlu(values);
            gate.Release();
            values.Release();
        }

        Tensor y = junction.Join(_last, hidden);
        hidden.Release();
        return y;
    }
}
