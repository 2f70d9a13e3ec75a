namespace Dino.Imaging.Jpeg;

/// <summary>A component's part in a scan.</summary>
internal struct JpegScanComponent
{
    public JpegComponent Component;
    public JpegHuffmanTable? Dc;
    public JpegHuffmanTable? Ac;

    /// <summary>The last DC value: the next one is stored as a difference.</summary>
    public int Prediction;
}

/// <summary>A scan header: which components, which coefficients, which bits of them.</summary>
/// <param name="Components">One (not interleaved) to four.</param>
/// <param name="Start">First coefficient in zigzag order.</param>
/// <param name="End">Last coefficient.</param>
/// <param name="High">Bit position sent before; 0 in a first pass.</param>
/// <param name="Low">Bit position sent now.</param>
/// <param name="RestartInterval">MCUs between restart markers, 0 for none.</param>
internal sealed record JpegScan(JpegScanComponent[] Components, int Start, int End, int High, int Low, int RestartInterval)
{
    /// <summary>Most blocks an interleaved MCU may have (T.81 B.2.3).</summary>
    private const int MaxBlocksPerMcu = 10;

    public bool IsInterleaved => Components.Length > 1;

    /// <summary>MCUs of the scan: blocks of the component if there is only one.</summary>
    public (int Wide, int High) Mcus(JpegFrame frame) => IsInterleaved
        ? (frame.McusPerRow, frame.McuRows)
        : (Components[0].Component.BlocksWide, Components[0].Component.BlocksHigh);

    /// <summary>Reads a scan header, still without its Huffman tables.</summary>
    /// <param name="content">The segment behind its length.</param>
    /// <param name="frame">The frame header before it.</param>
    /// <param name="restartInterval">From the last DRI segment.</param>
    /// <param name="tables">Indices of the DC and AC tables of each component.</param>
    /// <exception cref="CorruptImageException">The header is invalid.</exception>
    public static JpegScan Parse(ReadOnlySpan<byte> content, JpegFrame frame, int restartInterval, out (int Dc, int Ac)[] tables)
    {
        int count = content.Length == 0 ? 0 : content[0];
        if (count is < 1 or > 4 || content.Length != 4 + 2 * count)
            throw new CorruptImageException($"JPEG: a scan header of {content.Length} bytes names {count} components.");
        JpegScanComponent[] components = new JpegScanComponent[count];
        tables = new (int, int)[count];
        int blocks = 0;
        for (int i = 0; i < count; i++)
        {
            (int id, int table) = (content[1 + 2 * i], content[2 + 2 * i]);
            JpegComponent component = Array.Find(frame.Components, candidate => candidate.Id == id && !components.Any(used => used.Component == candidate))
                ?? throw new CorruptImageException($"JPEG: a scan names component {id}, which the frame does not have or the scan names twice.");
            components[i].Component = component;
            tables[i] = (table >> 4, table & 15);
            blocks += component.H * component.V;
        }

        if (count > 1 && blocks > MaxBlocksPerMcu)
            throw new CorruptImageException($"JPEG: a scan interleaves {blocks} blocks, at most {MaxBlocksPerMcu} are allowed.");
        JpegScan scan = new(components, content[^3], content[^2], content[^1] >> 4, content[^1] & 15, restartInterval);
        if (frame.Progressive && !scan.IsValidProgression())
            throw new CorruptImageException($"JPEG: a scan of {count} components sends coefficients {scan.Start}..{scan.End} at bits {scan.High} to {scan.Low}, which progressive coding does not define.");
        return scan;
    }

    // DC and AC never mix, AC comes one component at a time, refinement adds one bit.
    private bool IsValidProgression() =>
        (Start == 0 ? End == 0 : End >= Start && End < 64 && !IsInterleaved)
        && (High == 0 || Low == High - 1)
        && Low <= 13;
}
