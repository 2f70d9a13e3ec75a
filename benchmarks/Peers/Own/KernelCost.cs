namespace Dino.Benchmarks.Peers.Own;

/// <summary>Kernels that are held against the limits of the machine.</summary>
internal enum Kernel
{
    /// <summary>384 to 1536 with bias.</summary>
    Linear,

    /// <summary>The same with erf-GELU.</summary>
    LinearGelu,

    /// <summary>6 heads, 197 tokens.</summary>
    Attention,

    /// <summary>Its gradient, scores recomputed.</summary>
    AttentionBackward,

    /// <summary>Rows of 384.</summary>
    LayerNorm,

    /// <summary>All three gradients.</summary>
    LayerNormBackward,

    /// <summary>Rows of 197.</summary>
    Softmax,

    /// <summary>Exact form, elementwise.</summary>
    Gelu,

    /// <summary>AdamW over the parameters of ViT-S.</summary>
    Adam,

    /// <summary>The teacher's moving average over the same parameters.</summary>
    Lerp,
}

/// <summary>What a kernel has to do at least: arithmetic, or memory traffic where that takes longer.</summary>
/// <param name="Flops">Floating-point operations; 0 where memory is the limit.</param>
/// <param name="Traffic">What it reads and writes for each element.</param>
/// <param name="Floats">Elements of each array.</param>
internal readonly record struct KernelCost(double Flops, Traffic Traffic = default, int Floats = 0)
{
    public const int Pictures = 8;
    public const int Tokens = 197;
    public const int Rows = Pictures * Tokens;
    public const int Width = 384;
    public const int Heads = 6;

    /// <summary>Of ViT-S/16: a whole number of vectors.</summary>
    public const int Parameters = 21_665_664;

    /// <summary>The cost on the shapes above.</summary>
    public static KernelCost Of(Kernel kernel) => kernel switch
    {
        Kernel.Linear or Kernel.LinearGelu => new(Work.Product(Rows, 4 * Width, Width)),
        Kernel.Attention => new(2 * Work.Product(Tokens, Tokens, 64, Pictures * Heads)),
        // Scores once more, then the gradients of values, probabilities, queries and keys.
        Kernel.AttentionBackward => new(5 * Work.Product(Tokens, Tokens, 64, Pictures * Heads)),
        Kernel.LayerNorm => new(0, Traffic.Copy, Rows * Width),
        Kernel.LayerNormBackward => new(0, Traffic.Add, Rows * Width),
        Kernel.Softmax => new(0, Traffic.Copy, Pictures * Heads * Tokens * Tokens),
        Kernel.Gelu => new(0, Traffic.Copy, Rows * 4 * Width),
        Kernel.Lerp => new(0, Traffic.Lerp, Parameters),
        _ => new(0, Traffic.Update, Parameters),
    };
}
