using Dino.Tensors;

namespace Dino.Nn;

/// <summary>
/// Patches [B, N, C·p·p] to tokens [B, N, D]: a convolution with stride p, whose weight keeps torch's shape [D, C, p, p] while the product sees it
/// as a matrix.
/// </summary>
public sealed class PatchProjection : Module
{
    private readonly int _size;

    /// <summary>A patch projection.</summary>
    /// <param name="scope">Where <c>weight</c> and <c>bias</c> are declared.</param>
    /// <param name="channels">C.</param>
    /// <param name="size">p.</param>
    /// <param name="width">D.</param>
    public PatchProjection(ParameterScope scope, int channels, int size, int width)
        : base(scope)
    {
        _size = size;
        int fanIn = channels * size * size;
        Weight = scope.LinearWeight("weight", [width, channels, size, size], Initializer.FanIn(fanIn));
        Bias = scope.Parameter("bias", [width], Initializer.FanIn(fanIn));
    }

    /// <summary>[D, C, p, p].</summary>
    public Parameter Weight { get; }

    /// <summary>[D].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>Tokens [B, N, D], rows of the picture first.</returns>
    public override Tensor Forward(Tensor x)
    {
        Tensor patches = x.ToPatches(_size);
        Tensor tokens = Weight.Packed is { } packed
            ? patches.Linear(packed, Bias)
            : patches.Linear(Scope.Of(nameof(PatchProjection), x).Use(Weight).Reshape(Weight.Shape[0], -1), Bias);
        patches.Release();
        return tokens;
    }
}
