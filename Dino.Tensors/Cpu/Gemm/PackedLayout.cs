using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Where the values of a packed matrix, such as a weight [N, K], are: in panels, runs of columns of the product one register tile wide, each with all of its k in order.</summary>
/// <remarks>
/// F32 and BF16: element (k, column) of a panel is at k · width + column. I8: four k of a column side by side, which one instruction multiplies and sums;
/// element (k, column) is at (k / 4 · width + column) · 4 + k % 4, K is filled up with zeros to a multiple of four, and behind all panels follow the scale of
/// each column and the scale times the sum of its integers. Columns beyond N are zeros.
/// </remarks>
internal readonly struct PackedLayout
{
    /// <summary>
    /// Columns of an I8 panel: three register tiles side by side. By the time the epilogue reads them back, the stores of the first have reached L1, which
    /// saves a tenth of a product with K = 384.
    /// </summary>
    private const int ByteColumns = 48;

    private readonly int _elementBytes;

    public PackedLayout(WeightFormat format, int outputs, int inputs, int lanes)
    {
        int vectors = (outputs + lanes - 1) / lanes;
        // For bytes .NET 10 has a product of 256 bits at most, with 16 registers.
        (TileRows, int tileVectors) = format == WeightFormat.I8 ? new RegisterTile(6, ByteColumns / lanes) : RegisterTile.For(vectors, lanes);
        (Outputs, Lanes) = (outputs, lanes);
        Panels = Split.AtMost(vectors, tileVectors);
        Columns = vectors * lanes;
        Inputs = format == WeightFormat.I8 ? (inputs + 3) & ~3 : inputs;
        _elementBytes = format switch { WeightFormat.F32 => sizeof(float), WeightFormat.BF16 => sizeof(ushort), _ => 1 };
        ScalesOffset = (Columns * (long)Inputs * _elementBytes + 63) & ~63L;
        Bytes = format == WeightFormat.I8 ? ScalesOffset + 2L * Columns * sizeof(float) : ScalesOffset;
    }

    /// <summary>N.</summary>
    public int Outputs { get; }

    /// <summary>K, with what fills it up.</summary>
    public int Inputs { get; }

    /// <summary>Columns of one vector.</summary>
    public int Lanes { get; }

    /// <summary>Rows of a register tile.</summary>
    public int TileRows { get; }

    /// <summary>The vectors of all columns, cut into panels.</summary>
    public Split Panels { get; }

    /// <summary>Columns of all panels.</summary>
    public int Columns { get; }

    /// <summary>Bytes before the scales of an I8 weight; the scaled sums follow them.</summary>
    public long ScalesOffset { get; }

    public long Bytes { get; }

    /// <summary>Bytes of one column, with what fills it up.</summary>
    public int ColumnBytes => Inputs * _elementBytes;

    public int FirstColumn(int panel) => Panels.Start(panel) * Lanes;

    /// <summary>Bytes of all columns of a panel for one k.</summary>
    public int RowBytes(int panel) => Width(panel) * _elementBytes;

    public int Width(int panel) => Panels.Length(panel) * Lanes;

    public nint PanelOffset(int panel) => (nint)FirstColumn(panel) * ColumnBytes;
}
