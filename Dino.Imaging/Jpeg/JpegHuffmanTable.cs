namespace Dino.Imaging.Jpeg;

/// <summary>A Huffman table (T.81 annex C) for decoding from a bit buffer whose next bit is the most significant one.</summary>
/// <param name="counts">Codes of each length 1..16.</param>
/// <param name="symbols">Symbols in code order.</param>
/// <param name="isDc">DC symbols are sizes of at most 15 bits.</param>
internal sealed class JpegHuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols, bool isDc)
{
    /// <summary>Codes up to this length decode with one look-up, with their extra bits if those fit too.</summary>
    public const int LookBits = 9;

    /// <summary>Bits an invalid code consumes: one more than the longest code.</summary>
    private const int InvalidCodeBits = 17;

    private readonly byte[] _counts = counts.ToArray();
    private readonly byte[] _symbols = symbols.ToArray();

    // Per length: codes below the limit (aligned to 16 bits) have this length or a shorter one.
    private readonly int[] _limit = new int[17];
    private readonly int[] _offset = new int[17];
    private int[]? _look;

    /// <summary>
    /// Indexed by the next <see cref="LookBits"/> bits. Bits 0..3: length of code and extra bits together if they fit, else 0;
    /// 4..7: length of the code if it fits, else 0; 8..15: symbol; 16..31: value of the extra bits.
    /// </summary>
    public int[] Look => _look!;

    /// <summary>Makes the table usable. Done when a scan first uses it: a damaged table that no scan uses does no harm.</summary>
    /// <exception cref="CorruptImageException">The lengths do not form a prefix code, or a DC symbol is no size.</exception>
    public JpegHuffmanTable Prepare()
    {
        // The standard tables are shared by threads: who sees the look-up table must see the limits and offsets too.
        if (Volatile.Read(ref _look) is not null)
            return this;
        int[] look = new int[1 << LookBits];
        int code = 0, index = 0;
        for (int length = 1; length <= 16; length++)
        {
            _offset[length] = index - code;
            // The code of all ones is reserved.
            if (_counts[length - 1] > 0 && code + _counts[length - 1] >= 1 << length)
                throw new CorruptImageException($"JPEG: a Huffman table has more codes of {length} bits than exist.");
            for (int i = 0; i < _counts[length - 1]; i++, code++, index++)
            {
                if (isDc && _symbols[index] > 15)
                    throw new CorruptImageException($"JPEG: a DC Huffman table holds the symbol {_symbols[index]}, sizes end at 15.");
                if (length <= LookBits)
                    FillLook(look, code, length, _symbols[index]);
            }

            _limit[length] = code << (16 - length);
            code <<= 1;
        }

        Volatile.Write(ref _look, look);
        return this;
    }

    /// <summary>Decodes a code longer than <see cref="LookBits"/>.</summary>
    /// <param name="bits">The next bit on top.</param>
    /// <returns>Length · 256 + symbol; an invalid code is the symbol 0, as in libjpeg.</returns>
    public int DecodeLong(ulong bits)
    {
        int next = (int)(bits >> 48);
        for (int length = LookBits + 1; length <= 16; length++)
        {
            if (next < _limit[length])
                return length << 8 | _symbols[(next >> (16 - length)) + _offset[length]];
        }

        return InvalidCodeBits << 8;
    }

    /// <summary>The signed value that <paramref name="size"/> extra bits stand for (T.81 figure F.12).</summary>
    public static int Extend(int bits, int size) => bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;

    private static void FillLook(int[] look, int code, int length, byte symbol)
    {
        int size = symbol & 15;
        int free = LookBits - length;
        for (int i = 0; i < 1 << free; i++)
        {
            int entry = length << 4 | symbol << 8;
            if (size > 0 && size <= free)
                entry |= (length + size) | Extend(i >> (free - size), size) << 16;
            look[(code << free) + i] = entry;
        }
    }
}
