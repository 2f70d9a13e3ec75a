namespace Dino.Imaging.Jpeg;

/// <summary>Walks the markers of a JPEG file (T.81 annex B), decodes its scans and renders the picture.</summary>
/// <param name="data">The whole file, which starts with SOI.</param>
/// <param name="limits">Checked against the frame header and the number of scans.</param>
internal ref struct JpegReader(ReadOnlySpan<byte> data, DecodeLimits limits)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private readonly DecodeLimits _limits = limits;
    private readonly short[]?[] _quantization = new short[4][];
    private readonly JpegHuffmanTable?[] _dc = new JpegHuffmanTable[4];
    private readonly JpegHuffmanTable?[] _ac = new JpegHuffmanTable[4];
    private int _position = 2;
    private JpegFrame? _frame;
    private int _restartInterval;
    private int _scans;
    private bool _hasJfif;
    private int _adobeTransform = -1;

    /// <summary>Whether one scan held the whole picture.</summary>
    private readonly bool IsComplete => _scans > 0 && !_frame!.KeepsCoefficients;

    /// <summary>Decodes the file up to EOI; what follows is ignored. A file of one complete scan may end before EOI.</summary>
    /// <exception cref="ImageException">The file is corrupt, unsupported or too large.</exception>
    public Image Decode()
    {
        try
        {
            while (NextMarker() is var marker && marker != JpegMarker.EndOfImage)
            {
                // TEM and stray restart markers stand alone.
                if (marker is not (0x01 or (>= 0xD0 and <= 0xD7)))
                    ReadSegment(marker);
            }

            if (_frame is null || _scans == 0)
                throw new CorruptImageException("JPEG: the file ends before its first scan.");
            return JpegOutput.Render(_frame, ColorSpace(_frame));
        }
        finally
        {
            _frame?.Dispose();
        }
    }

    /// <summary>The next marker code; fill bytes and anything that is no marker are skipped.</summary>
    private byte NextMarker()
    {
        while (true)
        {
            int found = _data[_position..].IndexOf((byte)0xFF);
            if (found < 0)
                return EndOrThrow();
            _position += found;
            while (_position < _data.Length && _data[_position] == 0xFF)
                _position++;
            if (_position >= _data.Length)
                return EndOrThrow();
            byte marker = _data[_position++];
            if (marker != 0)
                return marker;
        }
    }

    private void ReadSegment(byte marker)
    {
        if (JpegMarker.UnsupportedProcess(marker) is { } process)
            throw new UnsupportedImageException($"JPEG: {process} is not supported.");
        int start = _position;
        if (!JpegMarker.IsSegment(marker))
            throw new CorruptImageException($"JPEG: marker FF{marker:X2} at byte {start - 2} has no meaning there.");
        // A segment that the end of the file cuts: only a complete picture survives it.
        int length = start + 2 <= _data.Length ? _data[start] << 8 | _data[start + 1] : int.MaxValue;
        if (length < 2)
            throw new CorruptImageException($"JPEG: segment FF{marker:X2} at byte {start - 2} has a length of {length}, which includes its own 2 bytes.");
        if (length > _data.Length - start)
        {
            EndOrThrow();
            _position = _data.Length;
            return;
        }

        ReadOnlySpan<byte> content = _data.Slice(start + 2, length - 2);
        _position += length;
        switch (marker)
        {
            case JpegMarker.Baseline or JpegMarker.Extended or JpegMarker.Progressive:
                if (_frame is not null)
                    throw new CorruptImageException($"JPEG: a second frame header at byte {start - 2}.");
                _frame = JpegFrame.Parse(content, marker == JpegMarker.Progressive, _data.Length, _limits);
                break;
            case JpegMarker.HuffmanTables:
                ReadHuffmanTables(content);
                break;
            case JpegMarker.QuantizationTables:
                ReadQuantizationTables(content);
                break;
            case JpegMarker.RestartInterval:
                if (content.Length != 2)
                    throw new CorruptImageException($"JPEG: DRI has {content.Length} bytes instead of 2.");
                _restartInterval = content[0] << 8 | content[1];
                break;
            case JpegMarker.StartOfScan:
                ReadScan(content);
                break;
            case JpegMarker.App0:
                _hasJfif |= content.Length >= 12 && content.StartsWith("JFIF\0"u8);
                break;
            case JpegMarker.App14:
                if (content.Length >= 12 && content.StartsWith("Adobe"u8))
                    _adobeTransform = content[11];
                break;
            default:
                // Comments, application data and conditioning of arithmetic coding do not change the picture.
                break;
        }
    }

    private readonly void ReadHuffmanTables(ReadOnlySpan<byte> content)
    {
        while (content.Length > 16)
        {
            (int kind, int index) = (content[0] >> 4, content[0] & 15);
            ReadOnlySpan<byte> counts = content.Slice(1, 16);
            int total = 0;
            foreach (byte count in counts)
                total += count;
            if (kind > 1 || index > 3 || total > 256 || total > content.Length - 17)
                throw new CorruptImageException($"JPEG: Huffman table {kind}/{index} with {total} codes in {content.Length - 17} bytes.");
            (kind == 0 ? _dc : _ac)[index] = new JpegHuffmanTable(counts, content.Slice(17, total), isDc: kind == 0);
            content = content[(17 + total)..];
        }

        if (!content.IsEmpty)
            throw new CorruptImageException($"JPEG: {content.Length} stray bytes in a Huffman table segment.");
    }

    private readonly void ReadQuantizationTables(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            (int wide, int index) = (content[0] >> 4, content[0] & 15);
            int size = wide == 0 ? 64 : 128;
            if (wide > 1 || index > 3 || content.Length < 1 + size)
                throw new CorruptImageException($"JPEG: quantisation table {index} of precision {wide} in {content.Length - 1} bytes.");
            short[] table = new short[64];
            for (int i = 0; i < 64; i++)
                table[JpegBlock.FromZigzag[i]] = (short)(wide == 0 ? content[1 + i] : content[1 + 2 * i] << 8 | content[2 + 2 * i]);
            _quantization[index] = table;
            content = content[(1 + size)..];
        }
    }

    private void ReadScan(ReadOnlySpan<byte> content)
    {
        JpegFrame frame = _frame ?? throw new CorruptImageException("JPEG: a scan before the frame header.");
        JpegScan scan = JpegScan.Parse(content, frame, _restartInterval, out (int Dc, int Ac)[] tables);
        bool single = !frame.Progressive && scan.Components.Length == frame.Components.Length;
        if (_scans == 0)
            frame.Allocate(keepCoefficients: !single);
        else if (!frame.KeepsCoefficients)
            throw new CorruptImageException("JPEG: another scan after the one that held all components.");
        if (++_scans > _limits.MaxScans)
            throw new ImageTooLargeException($"JPEG: more than {_limits.MaxScans} scans (DecodeLimits.MaxScans).");

        for (int i = 0; i < tables.Length; i++)
        {
            ref JpegScanComponent part = ref scan.Components[i];
            FixQuantization(part.Component);
            bool needsDc = !frame.Progressive || (scan.Start == 0 && scan.High == 0);
            bool needsAc = !frame.Progressive || scan.Start > 0;
            if (needsDc)
                part.Dc = Table(_dc, tables[i].Dc, frame.Progressive, JpegStandardTables.DcLuminance, JpegStandardTables.DcChrominance, "DC");
            if (needsAc)
                part.Ac = Table(_ac, tables[i].Ac, frame.Progressive, JpegStandardTables.AcLuminance, JpegStandardTables.AcChrominance, "AC");
        }

        JpegEntropySource source = new(_data, _position);
        try
        {
            source.Open(_position);
            if (frame.Progressive)
                JpegProgressiveScan.Decode(frame, scan, ref source);
            else
                JpegSequentialScan.Decode(frame, scan, ref source);
            _position = source.MarkerPosition;
        }
        finally
        {
            source.Dispose();
        }
    }

    /// <summary>A component keeps the quantisation table in force at its first scan; later scans may redefine the table for others.</summary>
    private readonly void FixQuantization(JpegComponent component)
    {
        if (component.HasQuantization)
            return;
        component.Quantization = _quantization[component.QuantizationIndex]
            ?? throw new CorruptImageException($"JPEG: component {component.Id} uses quantisation table {component.QuantizationIndex}, which is not defined.");
        component.HasQuantization = true;
    }

    private static JpegHuffmanTable Table(JpegHuffmanTable?[] tables, int index, bool progressive, JpegHuffmanTable luminance, JpegHuffmanTable chrominance, string kind)
    {
        JpegHuffmanTable? standard = progressive ? null : index switch { 0 => luminance, 1 => chrominance, _ => null };
        JpegHuffmanTable table = (index < 4 ? tables[index] : null) ?? standard
            ?? throw new CorruptImageException($"JPEG: a scan uses {kind} Huffman table {index}, which is not defined.");
        return table.Prepare();
    }

    /// <summary>JFIF means Y'CbCr; else Adobe's marker decides; else the component names.</summary>
    private readonly JpegColorSpace ColorSpace(JpegFrame frame)
    {
        JpegComponent[] components = frame.Components;
        if (components.Length == 1)
            return JpegColorSpace.Gray;
        if (components.Length == 4)
            return _adobeTransform is -1 or 0 ? JpegColorSpace.Cmyk : JpegColorSpace.Ycck;
        if (_hasJfif)
            return JpegColorSpace.YCbCr;
        if (_adobeTransform >= 0)
            return _adobeTransform == 0 ? JpegColorSpace.Rgb : JpegColorSpace.YCbCr;
        return (components[0].Id, components[1].Id, components[2].Id) == ('R', 'G', 'B') ? JpegColorSpace.Rgb : JpegColorSpace.YCbCr;
    }

    /// <summary>The end of the file stands for EOI once the picture is complete, as in Pillow.</summary>
    private readonly byte EndOrThrow() => IsComplete
        ? JpegMarker.EndOfImage
        : throw new CorruptImageException($"JPEG: truncated, the file ends at byte {_data.Length} without an end marker.");
}
