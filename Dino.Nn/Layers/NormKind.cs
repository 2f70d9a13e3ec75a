namespace Dino.Nn;

/// <summary>Normalisations over the width of a token.</summary>
public enum NormKind : byte
{
    /// <summary>Layer norm, epsilon 1e-6.</summary>
    LayerNorm,

    /// <summary>Layer norm, epsilon 1e-5, which DINOv3 calls layernormbf16.</summary>
    CoarseLayerNorm,

    /// <summary>RMS norm, epsilon 1e-5.</summary>
    RmsNorm,
}

internal static class NormKinds
{
    /// <summary>What the published networks with this norm add to the variance, or the mean square.</summary>
    public static float Epsilon(this NormKind kind) => kind == NormKind.LayerNorm ? 1e-6f : 1e-5f;
}
