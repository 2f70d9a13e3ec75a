using System.Globalization;
using Dino.Nn;

namespace Dino.Cli;

/// <summary>In what vision transformers differ beside their size.</summary>
/// <param name="Positions"><c>learned</c> or <c>rotary</c>.</param>
/// <param name="Registers">Tokens that belong to no patch, beside CLS.</param>
/// <param name="Norm"><c>layer_norm</c> or <c>rms_norm</c>.</param>
/// <param name="NormEpsilon">What it adds to the variance, or to the mean square.</param>
/// <param name="FeedForward"><c>mlp</c>, or <c>swiglu</c>: one of two factors that are multiplied is a gate.</param>
/// <param name="HiddenWidth">Width between its layers.</param>
/// <param name="LayerScale">Whether each branch is scaled by learned factors.</param>
/// <param name="MaskToken">Whether a token stands for masked patches.</param>
internal sealed record TransformerOutput(string Positions, int Registers, string Norm, float NormEpsilon, string FeedForward, int HiddenWidth, bool LayerScale, bool MaskToken)
{
    public static TransformerOutput Of(VisionTransformerOptions network) => new(
        network.Rotary is null ? "learned" : "rotary", network.Registers,
        network.Norm == NormKind.RmsNorm ? "rms_norm" : "layer_norm", network.EffectiveNormEpsilon,
        network.FeedForward == FeedForwardKind.Mlp ? "mlp" : "swiglu", network.HiddenWidth, network.LayerScale > 0, network.MaskToken);

    /// <summary>As a sentence: <c>rotary positions, 4 registers, layer norm (epsilon 1e-05), SwiGLU of 256, layer scale</c>.</summary>
    public override string ToString() => string.Join(", ", ((string?[])
    [
        $"{Positions} positions",
        Registers > 0 ? Wording.Count(Registers, "register") : "no registers",
        string.Create(CultureInfo.InvariantCulture, $"{(Norm == "rms_norm" ? "RMS norm" : "layer norm")} (epsilon {NormEpsilon:r})"),
        string.Create(CultureInfo.InvariantCulture, $"{(FeedForward == "mlp" ? "MLP" : "SwiGLU")} of {HiddenWidth}"),
        LayerScale ? "layer scale" : null,
        MaskToken ? "mask token" : null,
    ]).Where(part => part is not null));
}
