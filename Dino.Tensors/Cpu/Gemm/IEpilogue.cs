namespace Dino.Tensors.Cpu.Gemm;

/// <summary>What happens to a tile of y once its sums are complete and while it is still in L1.</summary>
internal unsafe interface IEpilogue
{
    /// <summary>False for an epilogue that does nothing; such products may also be computed transposed.</summary>
    static abstract bool Exists { get; }

    /// <summary>Before the sums of a tile are formed: asks for the memory that <see cref="Apply"/> will touch.</summary>
    void Prepare(float* tile, nint strideY, int row, int column, int rows, int columns);

    /// <param name="tile">First element of the tile, which is y[row, column].</param>
    void Apply(float* tile, nint strideY, int row, int column, int rows, int columns);
}

/// <summary>Leaves the product as it is.</summary>
internal readonly unsafe struct NoEpilogue : IEpilogue
{
    public static bool Exists => false;

    public void Prepare(float* tile, nint strideY, int row, int column, int rows, int columns) { }

    public void Apply(float* tile, nint strideY, int row, int column, int rows, int columns) { }
}
