using System.Buffers;

namespace Dino.Imaging.Jpeg;

/// <summary>Colour space of the stored components.</summary>
internal enum JpegColorSpace
{
    Gray,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}

/// <summary>The frame header (SOF) and the memory of its components.</summary>
internal sealed class JpegFrame : IDisposable
{
    private JpegFrame(bool progressive, int width, int height, JpegComponent[] components)
    {
        (Progressive, Width, Height, Components) = (progressive, width, height, components);
        (MaxH, MaxV) = (components.Max(component => component.H), components.Max(component => component.V));
        (McusPerRow, McuRows) = (DivideUp(width, 8 * MaxH), DivideUp(height, 8 * MaxV));
        foreach (JpegComponent component in components)
            component.SetGeometry(this);
    }

    public bool Progressive { get; }

    public int Width { get; }

    public int Height { get; }

    public JpegComponent[] Components { get; }

    /// <summary>Largest sampling factors: the resolution of the picture itself.</summary>
    public int MaxH { get; }

    public int MaxV { get; }

    /// <summary>Interleaved MCUs.</summary>
    public int McusPerRow { get; }

    public int McuRows { get; }

    /// <summary>Whether coefficients are kept until all scans are read, rather than transformed as they arrive.</summary>
    public bool KeepsCoefficients { get; private set; }

    /// <summary>Reads a frame header and checks it; allocates nothing of the picture's size.</summary>
    /// <param name="content">The segment behind its length.</param>
    /// <param name="progressive">SOF2.</param>
    /// <param name="dataLength">Bytes of the whole file: bounds how many blocks it can hold.</param>
    /// <param name="limits">Checked against the declared size.</param>
    /// <exception cref="ImageException">The header is invalid, unsupported or too large.</exception>
    public static JpegFrame Parse(ReadOnlySpan<byte> content, bool progressive, int dataLength, DecodeLimits limits)
    {
        if (content.Length < 6 || content.Length != 6 + 3 * content[5])
            throw new CorruptImageException($"JPEG: the frame header has {content.Length} bytes, not 6 and 3 for each component.");
        int width = content[3] << 8 | content[4], height = content[1] << 8 | content[2];
        if (content[0] != 8)
            throw new UnsupportedImageException($"JPEG: {content[0]} bits per sample, only 8 are supported.");
        if (width == 0)
            throw new CorruptImageException("JPEG: the frame header declares a width of 0.");
        if (height == 0)
            throw new UnsupportedImageException("JPEG: the height is left to a DNL marker, which is not supported.");
        limits.CheckSize("JPEG", width, height);
        if (content[5] is not (1 or 3 or 4))
            throw new UnsupportedImageException($"JPEG: {content[5]} components, only 1, 3 and 4 are supported.");

        JpegComponent[] components = new JpegComponent[content[5]];
        for (int i = 0; i < components.Length; i++)
        {
            ReadOnlySpan<byte> entry = content.Slice(6 + 3 * i, 3);
            (int h, int v) = (entry[1] >> 4, entry[1] & 15);
            if (h is < 1 or > 4 || v is < 1 or > 4 || entry[2] > 3)
                throw new CorruptImageException($"JPEG: component {entry[0]} has sampling {h}x{v} and quantisation table {entry[2]}; 1..4 and 0..3 are allowed.");
            components[i] = new JpegComponent(entry[0], h, v, entry[2]);
        }

        JpegFrame frame = new(progressive, width, height, components);
        frame.CheckSubsampling();
        // Every block takes at least one bit (its DC difference).
        long blocks = components.Sum(component => (long)component.BlocksWide * component.BlocksHigh);
        if (blocks > dataLength * 8L)
            throw new CorruptImageException($"JPEG: {width} x {height} pixels take {blocks} blocks, {dataLength} bytes cannot hold them.");
        return frame;
    }

    /// <summary>Allocates the sample planes, and the coefficients if several scans build them up.</summary>
    /// <exception cref="ImageTooLargeException">A plane does not fit in one array.</exception>
    public void Allocate(bool keepCoefficients)
    {
        KeepsCoefficients = keepCoefficients;
        foreach (JpegComponent component in Components)
            component.Allocate(keepCoefficients);
    }

    public void Dispose()
    {
        foreach (JpegComponent component in Components)
            component.Dispose();
    }

    internal static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;

    private void CheckSubsampling()
    {
        foreach (JpegComponent component in Components)
        {
            if (MaxH % component.H != 0 || MaxV % component.V != 0)
                throw new UnsupportedImageException($"JPEG: component {component.Id} is sampled {component.H}x{component.V} of {MaxH}x{MaxV}; only whole ratios are supported.");
        }
    }
}

/// <summary>One colour component: its geometry, quantisation table, coefficients and samples.</summary>
internal sealed class JpegComponent(int id, int h, int v, int quantizationIndex) : IDisposable
{
    /// <summary>Readable bytes behind a plane, so that vector loads at its end stay inside.</summary>
    private const int Slack = 64;

    public int Id { get; } = id;

    public int H { get; } = h;

    public int V { get; } = v;

    public int QuantizationIndex { get; } = quantizationIndex;

    /// <summary>Samples that belong to the picture.</summary>
    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>Blocks that hold them: what a scan of this component alone visits.</summary>
    public int BlocksWide { get; private set; }

    public int BlocksHigh { get; private set; }

    /// <summary>Blocks per row of whole MCUs.</summary>
    public int PaddedBlocksWide { get; private set; }

    private int PaddedBlocksHigh { get; set; }

    /// <summary>Samples; row stride <see cref="Stride"/>.</summary>
    public byte[] Plane { get; private set; } = [];

    public int Stride => PaddedBlocksWide * 8;

    /// <summary>64 coefficients per block in <see cref="JpegBlock"/> order; empty unless kept.</summary>
    public short[] Coefficients { get; private set; } = [];

    /// <summary>Step sizes in <see cref="JpegBlock"/> order, fixed by the component's first scan; zeros before.</summary>
    public short[] Quantization { get; set; } = new short[64];

    public bool HasQuantization { get; set; }

    public void SetGeometry(JpegFrame frame)
    {
        Width = JpegFrame.DivideUp(frame.Width * H, frame.MaxH);
        Height = JpegFrame.DivideUp(frame.Height * V, frame.MaxV);
        BlocksWide = JpegFrame.DivideUp(Width, 8);
        BlocksHigh = JpegFrame.DivideUp(Height, 8);
        PaddedBlocksWide = frame.McusPerRow * H;
        PaddedBlocksHigh = frame.McuRows * V;
    }

    public void Allocate(bool keepCoefficients)
    {
        long samples = 64L * PaddedBlocksWide * PaddedBlocksHigh;
        if (samples + Slack > Array.MaxLength)
            throw new ImageTooLargeException($"JPEG: component {Id} has {samples} samples, one array holds {Array.MaxLength}.");
        Plane = ArrayPool<byte>.Shared.Rent((int)samples + Slack);
        if (!keepCoefficients)
            return;
        Coefficients = ArrayPool<short>.Shared.Rent((int)samples);
        Coefficients.AsSpan(0, (int)samples).Clear();
    }

    /// <summary>The coefficients of a block.</summary>
    public Span<short> Block(int x, int y) => Coefficients.AsSpan(64 * (y * PaddedBlocksWide + x), 64);

    public void Dispose()
    {
        if (Plane.Length > 0)
            ArrayPool<byte>.Shared.Return(Plane);
        if (Coefficients.Length > 0)
            ArrayPool<short>.Shared.Return(Coefficients);
        (Plane, Coefficients) = ([], []);
    }
}
