namespace Dino.Tensors.Backends;

/// <summary>How a weight packed for inference is stored. Inputs, sums and results of its products are F32 in all of them.</summary>
public enum WeightFormat : byte
{
    /// <summary>32-bit floats: the values as they are.</summary>
    F32,

    /// <summary>16-bit brain floats, rounded to nearest even: half the memory, 8 significant bits.</summary>
    BF16,

    /// <summary>
    /// 8-bit integers: a quarter of the memory. Every output channel has a scale of its own; the rows of the input are quantised to 8 bits too, each by
    /// its own range, when the product is computed.
    /// </summary>
    I8,
}
