using System.Buffers.Binary;
using System.Numerics;

namespace Dino.Ssl.Training;

/// <summary>The 64-bit hash xxHash with seed 0. It tells weights apart at the speed of reading them; it is no protection against forgery, and needs no library of the system.</summary>
/// <remarks>Collet, xxHash fast digest algorithm, specification 0.1.1.</remarks>
internal sealed class XxHash64
{
    private const ulong Prime1 = 0x9E3779B185EBCA87, Prime2 = 0xC2B2AE3D27D4EB4F, Prime3 = 0x165667B19E3779F9, Prime4 = 0x85EBCA77C2B2AE63, Prime5 = 0x27D4EB2F165667C5;
    private const int StripeBytes = 32;

    private ulong _lane0 = unchecked(Prime1 + Prime2), _lane1 = Prime2, _lane2, _lane3 = unchecked(0 - Prime1);
    private long _length;

    /// <summary>The hash of bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> data)
    {
        XxHash64 hash = new();
        int stripes = data.Length / StripeBytes * StripeBytes;
        hash.AddStripes(data[..stripes]);
        return hash.Finish(data[stripes..]);
    }

    private void AddStripes(ReadOnlySpan<byte> data)
    {
        (ulong a, ulong b, ulong c, ulong d) = (_lane0, _lane1, _lane2, _lane3);
        _length += data.Length;
        for (; data.Length > 0; data = data[StripeBytes..])
        {
            a = Round(a, Word(data));
            b = Round(b, Word(data[8..]));
            c = Round(c, Word(data[16..]));
            d = Round(d, Word(data[24..]));
        }

        (_lane0, _lane1, _lane2, _lane3) = (a, b, c, d);
    }

    private ulong Finish(ReadOnlySpan<byte> rest)
    {
        ulong hash = Prime5;
        if (_length > 0)
        {
            hash = BitOperations.RotateLeft(_lane0, 1) + BitOperations.RotateLeft(_lane1, 7) + BitOperations.RotateLeft(_lane2, 12) + BitOperations.RotateLeft(_lane3, 18);
            foreach (ulong lane in (ReadOnlySpan<ulong>)[_lane0, _lane1, _lane2, _lane3])
                hash = ((hash ^ Round(0, lane)) * Prime1) + Prime4;
        }

        hash += (ulong)(_length + rest.Length);
        for (; rest.Length >= 8; rest = rest[8..])
            hash = (BitOperations.RotateLeft(hash ^ Round(0, Word(rest)), 27) * Prime1) + Prime4;
        if (rest.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime1), 23) * Prime2) + Prime3;
            rest = rest[4..];
        }

        foreach (byte last in rest)
            hash = BitOperations.RotateLeft(hash ^ (last * Prime5), 11) * Prime1;
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }

    private static ulong Word(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt64LittleEndian(data);

    private static ulong Round(ulong lane, ulong word) => BitOperations.RotateLeft(lane + (word * Prime2), 31) * Prime1;
}
