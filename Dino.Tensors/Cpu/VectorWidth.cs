namespace Dino.Tensors;

/// <summary>Register width the CPU kernels are compiled for.</summary>
public enum VectorWidth
{
    /// <summary>The widest the machine has.</summary>
    Widest,

    /// <summary>128 bits: SSE, NEON, or scalar code without vector hardware.</summary>
    V128,

    /// <summary>256 bits: AVX2.</summary>
    V256,

    /// <summary>512 bits: AVX-512.</summary>
    V512,
}
