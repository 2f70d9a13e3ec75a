using System.Buffers;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// Cuts the entropy-coded data of a scan into its restart segments and removes the byte stuffing (FF 00 stands for FF), so that
/// the bit reader meets neither markers nor stuffing.
/// </summary>
internal ref struct JpegEntropySource
{
    private const byte FirstRestart = 0xD0;

    private readonly ReadOnlySpan<byte> _data;
    private readonly byte[] _buffer;
    private int _nextRestart;

    /// <summary>Starts at the first byte behind a scan header.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="position">Where the entropy-coded data starts.</param>
    public JpegEntropySource(ReadOnlySpan<byte> data, int position)
    {
        _data = data;
        _buffer = ArrayPool<byte>.Shared.Rent(data.Length - position + JpegBitReader.Padding);
        MarkerPosition = position;
    }

    /// <summary>Where the marker that ends the current segment starts (its last FF).</summary>
    public int MarkerPosition { get; private set; }

    /// <summary>Reader of the current segment; scans work on this one.</summary>
    public JpegBitReader Reader;

    /// <summary>Whether the current segment ended before its data: the rest of it decodes as if it were absent.</summary>
    public bool IsExhausted { get; private set; }

    public readonly void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Opens the segment that starts at <paramref name="position"/>.</summary>
    /// <exception cref="CorruptImageException">The file ends before a marker does.</exception>
    public void Open(int position)
    {
        int length = 0;
        while (true)
        {
            int run = _data[position..].IndexOf((byte)0xFF);
            if (run < 0)
                throw Truncated();
            _data.Slice(position, run).CopyTo(_buffer.AsSpan(length));
            length += run;
            position += run;
            int code = position + 1;
            while (code < _data.Length && _data[code] == 0xFF)
                code++;
            if (code >= _data.Length)
                throw Truncated();
            if (_data[code] != 0)
            {
                MarkerPosition = code - 1;
                break;
            }

            _buffer[length++] = 0xFF;
            position = code + 1;
        }

        _buffer.AsSpan(length, JpegBitReader.Padding).Clear();
        Reader = new JpegBitReader(_buffer, length);
        IsExhausted = false;
    }

    /// <summary>Notes whether the last MCU ran past the end of the segment.</summary>
    public void CheckExhausted() => IsExhausted |= Reader.IsExhausted;

    /// <summary>
    /// Moves to the next restart segment. After damage the marker found may not be the expected one; then, as libjpeg does:
    /// a marker one or two intervals ahead, or one that ends the scan, leaves this segment empty; one from one or two
    /// intervals back is skipped; any other is taken for the expected one.
    /// </summary>
    public void Restart()
    {
        int expected = _nextRestart;
        _nextRestart = (_nextRestart + 1) & 7;
        while (true)
        {
            byte marker = _data[MarkerPosition + 1];
            int ahead = (marker - FirstRestart - expected) & 7;
            bool isRestart = marker is >= FirstRestart and <= FirstRestart + 7;
            bool isInvalid = marker < 0xC0;
            if ((!isRestart && !isInvalid) || (isRestart && ahead is 1 or 2))
            {
                _buffer.AsSpan(0, JpegBitReader.Padding).Clear();
                Reader = new JpegBitReader(_buffer, 0);
                return;
            }

            Open(MarkerPosition + 2);
            if (isRestart && ahead is not (6 or 7))
                return;
        }
    }

    private readonly CorruptImageException Truncated() => new($"JPEG: truncated, the file ends at byte {_data.Length} inside compressed data.");
}
