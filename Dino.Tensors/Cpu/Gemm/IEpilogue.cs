namespace Dino.Tensors.Cpu.Gemm;

/// <summary>What happens to a tile of sums once it is complete and while it is still in L1.</summary>
internal unsafe interface IEpilogue
{
    /// <summary>False for an epilogue that does nothing: the sums are in y.</summary>
    static abstract bool Exists { get; }

    /// <summary>Whether rows of the result lie elsewhere than in the order of the sums, which are then never formed in y.</summary>
    bool MovesRows { get; }

    /// <summary>Before sums are formed in y itself: asks for the memory that they and <see cref="Apply"/> will touch.</summary>
    void Prepare(int row, int column, int rows, int columns);

    /// <summary>Before sums are formed in scratch: asks for what <see cref="Apply"/> will read that nothing has read lately.</summary>
    void Fetch(int row, int column, int rows, int columns);

    /// <param name="sums">Those of y[row, column] and on: in y itself, or in scratch.</param>
    /// <param name="stride">From one row of sums to the next, in elements of 32 bits.</param>
    /// <param name="columns">Columns of y; in scratch a row of sums is filled up to whole vectors.</param>
    void Apply(void* sums, nint stride, int row, int column, int rows, int columns);
}

/// <summary>Leaves the product as it is.</summary>
internal readonly unsafe struct NoEpilogue : IEpilogue
{
    public static bool Exists => false;

    public bool MovesRows => false;

    public void Prepare(int row, int column, int rows, int columns) { }

    public void Fetch(int row, int column, int rows, int columns) { }

    public void Apply(void* sums, nint stride, int row, int column, int rows, int columns) { }
}
