using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>
/// A convolution without bias, the batch norm behind it, and what a residual network does next: relu(norm(conv(x)) + residual). Outside training the
/// norm's factors are part of the weight, so that the whole is one product.
/// </summary>
internal sealed class NormedConvolution : Module
{
    private readonly BatchNorm _norm;
    private readonly Size2D _kernel;
    private readonly Size2D _stride;
    private readonly Size2D _padding;

    /// <param name="convolution">Where the filters, <c>weight</c>, are declared.</param>
    /// <param name="norm">Where the batch norm is declared.</param>
    /// <param name="inputs">Channels of its input.</param>
    /// <param name="outputs">Number of filters.</param>
    /// <param name="kernel">Side of the filters, odd: the border is padded so that stride 1 keeps the size.</param>
    /// <param name="stride">Distance between windows.</param>
    public NormedConvolution(ParameterScope convolution, ParameterScope norm, int inputs, int outputs, int kernel, int stride = 1)
        : base(convolution)
    {
        // He et al. 2015 with the number of outputs, as torchvision's networks begin.
        Initializer first = Initializer.Normal(MathF.Sqrt(2f / (outputs * kernel * kernel)));
        Weight = convolution.LinearWeight("weight", [outputs, inputs, kernel, kernel], first, FilterRows);
        _norm = new BatchNorm(norm, outputs);
        (_kernel, _stride, _padding) = (kernel, stride, kernel / 2);
    }

    /// <summary>[O, C, K, K].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    /// <param name="x">Pictures [B, H, W, C].</param>
    public override Tensor Forward(Tensor x) => Forward(x, rectify: true);

    /// <summary>[relu](norm(conv(x)) [+ residual]).</summary>
    /// <returns>[B, H / stride, W / stride, O], rounded up.</returns>
    public Tensor Forward(Tensor x, bool rectify, Tensor residual = default)
    {
        RequireWidth(x, Weight.Shape[1]);
        if (!IsTraining)
            return Folded(x, rectify, residual);
        Tensor convolved = x.Conv2D(Weight, stride: _stride, padding: _padding);
        Tensor y = _norm.Forward(convolved);
        convolved.Release();
        if (residual.Exists)
            y = Replace(y, y + residual);
        return rectify ? Replace(y, y.Relu()) : y;
    }

    private Tensor Folded(Tensor x, bool rectify, Tensor residual)
    {
        Scope scope = Scope.Of(nameof(NormedConvolution), x);
        Tensor windows = x.Unfold2D(_kernel, _stride, _padding), shift = _norm.Shift(scope);
        // The product adds a residual after its activation, this network before.
        Activation activation = rectify && !residual.Exists ? Activation.Relu : Activation.Identity;
        Tensor y;
        if (Weight.Packed is { } packed)
        {
            y = windows.Linear(packed, shift, activation, residual);
        }
        else
        {
            Tensor filters = FilterRows(scope);
            y = windows.Linear(filters, shift, activation, residual);
            filters.Release();
        }

        if (windows != x)
            windows.Release();
        return rectify && residual.Exists ? Replace(y, y.Relu()) : y;
    }

    /// <summary>Filters times the factors of the norm, [O, K·K·C].</summary>
    private Tensor FilterRows(Scope scope)
    {
        Tensor rows = scope.Use(Weight).ToFilterRows();
        return Replace(rows, rows * _norm.Scale(scope).Reshape(-1, 1));
    }

    private static Tensor Replace(Tensor old, Tensor result)
    {
        old.Release();
        return result;
    }
}
