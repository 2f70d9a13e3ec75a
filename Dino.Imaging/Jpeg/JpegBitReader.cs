using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// Reads bits, most significant first, from one entropy-coded segment whose stuffing is already removed. Past its end it reads
/// zeros and says so in <see cref="IsExhausted"/>.
/// </summary>
/// <param name="data">The segment, followed by at least <see cref="Padding"/> zero bytes.</param>
/// <param name="length">Bytes of the segment.</param>
internal struct JpegBitReader(byte[] data, int length)
{
    /// <summary>Zero bytes a segment must be followed by: the position stops 8 past the end and loads take 8 more.</summary>
    public const int Padding = 16;

    /// <summary>After <see cref="Refill(ref ulong, ref int)"/> at least this many bits are there: any code with its extra bits fits.</summary>
    public const int Guaranteed = 56;

    /// <summary>Below this many bits a symbol (17 bits) with its extra bits (15) may not fit.</summary>
    public const int Low = 32;

    private readonly byte[] _data = data;
    private int _position;

    /// <summary>Unread bits, the next one on top. Hot loops keep it in a local.</summary>
    public ulong Bits;

    /// <summary>How many of <see cref="Bits"/> are valid; the ones below may hold more of the stream.</summary>
    public int Count;

    /// <summary>Whether more bits were consumed than the segment has.</summary>
    public readonly bool IsExhausted => (long)_position * 8 - Count > (long)length * 8;

    /// <summary>Tops up the buffer of a hot loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refill(ref ulong bits, ref int count)
    {
        // Eight bytes are merged below the valid bits and as many whole bytes counted as fit. Position <= length + 8, and
        // Padding = 16 bytes follow the segment: the load stays inside the array.
        ulong next = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_data), _position));
        bits |= (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(next) : next) >> count;
        _position = Math.Min(_position + ((63 - count) >> 3), length + 8);
        count |= 56;
    }

    /// <summary>Decodes a symbol without its extra bits, which may follow without another refill.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int DecodeSymbol(JpegHuffmanTable table)
    {
        if (Count < Low)
            Refill(ref Bits, ref Count);
        int entry = table.Look[(int)(Bits >> (64 - JpegHuffmanTable.LookBits))];
        int size = (entry >> 4) & 15;
        if (size == 0)
        {
            entry = table.DecodeLong(Bits);
            (size, entry) = (entry >> 8, (entry & 255) << 8);
        }

        Drop(size);
        return (entry >> 8) & 255;
    }

    /// <summary>The next <paramref name="size"/> (1..15) bits as an unsigned number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(int size)
    {
        if (Count < Low)
            Refill(ref Bits, ref Count);
        int value = (int)(Bits >> (64 - size));
        Drop(size);
        return value;
    }

    private void Drop(int size)
    {
        Bits <<= size;
        Count -= size;
    }
}
