using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// Rows of components to RGB. Y'CbCr uses the JFIF equations in 16-bit fixed point, rounded as libjpeg does; four-component
/// pictures hold inverted inks (Adobe's convention, which Pillow assumes) and are multiplied with black as Pillow does.
/// </summary>
internal static class JpegColor
{
    // 1.402, 1.772, 0.34414, 0.71414 times 2^16.
    private const int CrToR = 91881;
    private const int CbToB = 116130;
    private const int CbToG = 22554;
    private const int CrToG = 46802;
    private const int Half = 1 << 15;
    private const int One = 1 << 16;

    public static void GrayToRgb(ReadOnlySpan<byte> gray, Span<byte> rgb)
    {
        for (int i = 0, to = 0; to + 2 < rgb.Length; i++, to += 3)
            rgb[to] = rgb[to + 1] = rgb[to + 2] = gray[i];
    }

    public static void Interleave(ReadOnlySpan<byte> r, ReadOnlySpan<byte> g, ReadOnlySpan<byte> b, Span<byte> rgb)
    {
        for (int i = 0, to = 0; to + 2 < rgb.Length; i++, to += 3)
            (rgb[to], rgb[to + 1], rgb[to + 2]) = (r[i], g[i], b[i]);
    }

    public static void YCbCrToRgb(ReadOnlySpan<byte> y, ReadOnlySpan<byte> cb, ReadOnlySpan<byte> cr, Span<byte> rgb)
    {
        int width = rgb.Length / 3;
        if (!Avx2.IsSupported || width < 16)
        {
            YCbCrToRgbScalar(y, cb, cr, rgb);
            return;
        }

        for (int x = 0; x < width - 16; x += 16)
            Convert16(y[x..], cb[x..], cr[x..], rgb[(x * 3)..]);
        // The last sixteen pixels may overlap the ones before: they come out the same.
        int last = width - 16;
        Convert16(y[last..], cb[last..], cr[last..], rgb[(last * 3)..]);
    }

    /// <summary>Any processor; the reference for the vector version.</summary>
    internal static void YCbCrToRgbScalar(ReadOnlySpan<byte> y, ReadOnlySpan<byte> cb, ReadOnlySpan<byte> cr, Span<byte> rgb)
    {
        for (int i = 0, to = 0; to + 2 < rgb.Length; i++, to += 3)
        {
            (int blue, int red) = (cb[i] - 128, cr[i] - 128);
            rgb[to] = Clamp(y[i] + ((CrToR * red + Half) >> 16));
            rgb[to + 1] = Clamp(y[i] + ((-CbToG * blue - CrToG * red + Half) >> 16));
            rgb[to + 2] = Clamp(y[i] + ((CbToB * blue + Half) >> 16));
        }
    }

    /// <summary>YCCK: the first three are Y'CbCr of the inks' complements.</summary>
    public static void YcckToRgb(ReadOnlySpan<byte> y, ReadOnlySpan<byte> cb, ReadOnlySpan<byte> cr, ReadOnlySpan<byte> k, Span<byte> rgb)
    {
        YCbCrToRgb(y, cb, cr, rgb);
        // Stored ink = 255 - RGB; un-inverting Adobe's convention yields RGB again as the ink.
        for (int i = 0, to = 0; to + 2 < rgb.Length; i++, to += 3)
        {
            for (int c = 0; c < 3; c++)
                rgb[to + c] = Overprint(rgb[to + c], k[i]);
        }
    }

    public static void CmykToRgb(ReadOnlySpan<byte> c, ReadOnlySpan<byte> m, ReadOnlySpan<byte> y, ReadOnlySpan<byte> k, Span<byte> rgb)
    {
        for (int i = 0, to = 0; to + 2 < rgb.Length; i++, to += 3)
        {
            rgb[to] = Overprint((byte)~c[i], k[i]);
            rgb[to + 1] = Overprint((byte)~m[i], k[i]);
            rgb[to + 2] = Overprint((byte)~y[i], k[i]);
        }
    }

    /// <summary>Light left by an ink over black whose complement is <paramref name="white"/>: white - ink · white / 255.</summary>
    private static byte Overprint(byte ink, byte white)
    {
        // Division by 255, rounded, in shifts.
        int product = ink * white + 128;
        return Clamp(white - ((product + (product >> 8)) >> 8));
    }

    /// <summary>Sixteen pixels in 16-bit lanes.</summary>
    private static void Convert16(ReadOnlySpan<byte> y, ReadOnlySpan<byte> cb, ReadOnlySpan<byte> cr, Span<byte> rgb)
    {
        Vector256<short> luma = Avx2.ConvertToVector256Int16(Vector128.Create(y));
        Vector256<short> blue = Avx2.ConvertToVector256Int16(Vector128.Create(cb)) - Vector256.Create((short)128);
        Vector256<short> red = Avx2.ConvertToVector256Int16(Vector128.Create(cr)) - Vector256.Create((short)128);

        // The factors are split into a whole number and a rest that fits 16 bits.
        Vector256<short> r = luma + red + Scale(red, CrToR - One);
        Vector256<short> b = luma + blue + blue + Scale(blue, CbToB - 2 * One);
        Vector256<short> factors = Vector256.Create((-CbToG & 0xFFFF) | (One - CrToG) << 16).AsInt16();
        Vector256<int> low = (Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(blue, red), factors) + Vector256.Create(Half)) >> 16;
        Vector256<int> high = (Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(blue, red), factors) + Vector256.Create(Half)) >> 16;
        Vector256<short> g = luma - red + Avx2.PackSignedSaturate(low, high);

        // Each half: R of eight pixels then G of eight pixels; B of eight pixels twice.
        Vector256<byte> redGreen = Avx2.PackUnsignedSaturate(r, g);
        Vector256<byte> blueBlue = Avx2.PackUnsignedSaturate(b, b);
        StoreEight(redGreen.GetLower(), blueBlue.GetLower(), rgb[..24]);
        StoreEight(redGreen.GetUpper(), blueBlue.GetUpper(), rgb[24..48]);
    }

    /// <summary>(value · factor + 2^15) / 2^16 for |value| at most 128: the high product of twice the value, then half of it rounded.</summary>
    private static Vector256<short> Scale(Vector256<short> value, int factor) =>
        (Avx2.MultiplyHigh(value + value, Vector256.Create((short)factor)) + Vector256<short>.One) >> 1;

    private static void StoreEight(Vector128<byte> redGreen, Vector128<byte> blue, Span<byte> rgb)
    {
        const byte None = 0x80;
        Vector128<byte> first = Ssse3.Shuffle(redGreen, Vector128.Create((byte)0, 8, None, 1, 9, None, 2, 10, None, 3, 11, None, 4, 12, None, 5))
            | Ssse3.Shuffle(blue, Vector128.Create(None, None, 0, None, None, 1, None, None, 2, None, None, 3, None, None, 4, None));
        Vector128<byte> second = Ssse3.Shuffle(redGreen, Vector128.Create(13, None, 6, 14, None, 7, 15, None, None, None, None, None, None, None, None, None))
            | Ssse3.Shuffle(blue, Vector128.Create(None, 5, None, None, 6, None, None, 7, None, None, None, None, None, None, None, None));
        first.CopyTo(rgb);
        MemoryMarshal.Write(rgb[16..], second.AsUInt64().ToScalar());
    }

    private static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);
}
