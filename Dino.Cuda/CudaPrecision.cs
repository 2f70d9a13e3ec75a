namespace Dino.Cuda;

/// <summary>How a device multiplies the operands of matrix products and attention. Sums are formed in F32 in all of them.</summary>
public enum CudaPrecision
{
    /// <summary>Every multiplication in F32: the results of <see cref="Tensors.CpuDevice"/> but for the order of sums.</summary>
    FP32,

    /// <summary>
    /// Tensor cores on operands rounded to 10 explicit binary digits, with the range of F32. A product is off by up to 2⁻¹⁰ Σ |a| |b|: twice the
    /// unit roundoff 2⁻¹¹, one for each operand.
    /// </summary>
    TF32,

    /// <summary>
    /// Tensor cores on operands rounded to brain floats, with 7 explicit binary digits and the range of F32. A product is off by up to 2⁻⁷ Σ |a| |b|. What the
    /// parts of a layer hand each other may be brain floats in memory too (<see cref="Tensors.Backends.Backend.InnerType"/>), rounded once more by up to 2⁻⁸.
    /// </summary>
    BF16,
}
