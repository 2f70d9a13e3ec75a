namespace Dino.Imaging.Jpeg;

/// <summary>Marker codes: the byte behind FF (T.81 table B.1).</summary>
internal static class JpegMarker
{
    public const byte Baseline = 0xC0;
    public const byte Extended = 0xC1;
    public const byte Progressive = 0xC2;
    public const byte HuffmanTables = 0xC4;
    public const byte ArithmeticConditioning = 0xCC;
    public const byte StartOfImage = 0xD8;
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;
    public const byte QuantizationTables = 0xDB;
    public const byte NumberOfLines = 0xDC;
    public const byte RestartInterval = 0xDD;
    public const byte App0 = 0xE0;
    public const byte App14 = 0xEE;
    public const byte App15 = 0xEF;
    public const byte Comment = 0xFE;

    /// <summary>Whether the marker starts a segment that may stand between the start marker and the end.</summary>
    public static bool IsSegment(byte marker) => marker is Baseline or Extended or Progressive or HuffmanTables or ArithmeticConditioning
        or StartOfScan or QuantizationTables or NumberOfLines or RestartInterval or Comment or (>= App0 and <= App15);

    /// <summary>What a frame header outside baseline, extended and progressive Huffman coding asks for; null for other markers.</summary>
    public static string? UnsupportedProcess(byte marker) => marker switch
    {
        0xC3 => "lossless coding",
        0xC5 or 0xC6 or 0xC7 => "hierarchical coding",
        0xC9 or 0xCA => "arithmetic coding",
        0xCB or 0xCD or 0xCE or 0xCF => "arithmetic coding of a lossless or hierarchical picture",
        _ => null,
    };
}
