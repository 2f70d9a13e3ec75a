using System.Runtime.Intrinsics.X86;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// The inverse DCT in fixed point: Loeffler, Ligtenberg and Moschytz 1989, columns first, two extra bits kept between the
/// passes. Bit-exact with libjpeg's accurate integer transform (constants of 13 bits).
/// </summary>
/// <remarks>
/// Inputs, the sums that are multiplied, and what passes from columns to rows are 16 bits wide; sums wrap and the intermediate
/// result saturates where libjpeg-turbo's vector code does. Only damaged data reaches those limits; it decodes alike too.
/// </remarks>
internal static class JpegIdct
{
    internal const int ConstantBits = 13;
    internal const int PassBits = 2;

    // cos and sin sums of the LL&M flow graph times 2^13.
    internal const int F0298 = 2446;
    internal const int F0390 = 3196;
    internal const int F0541 = 4433;
    internal const int F0765 = 6270;
    internal const int F0899 = 7373;
    internal const int F1175 = 9633;
    internal const int F1501 = 12299;
    internal const int F1847 = 15137;
    internal const int F1961 = 16069;
    internal const int F2053 = 16819;
    internal const int F2562 = 20995;
    internal const int F3072 = 25172;

    /// <summary>Dequantises and transforms one block into the component's plane.</summary>
    /// <param name="block">64 coefficients in <see cref="JpegBlock"/> order.</param>
    /// <param name="onlyDc">All coefficients but the first are zero.</param>
    /// <param name="component">Holds quantisation and samples.</param>
    /// <param name="x">Block column.</param>
    /// <param name="y">Block row.</param>
    public static void Transform(ReadOnlySpan<short> block, bool onlyDc, JpegComponent component, int x, int y)
    {
        int stride = component.Stride;
        Span<byte> samples = component.Plane.AsSpan(y * 8 * stride + x * 8, 7 * stride + 8);
        if (onlyDc)
        {
            // Both passes reduce to one rounding division by 8.
            int level = ((short)(block[0] * component.Quantization[0] << PassBits) + (1 << (PassBits + 2))) >> (PassBits + 3);
            byte value = Clamp(level + 128);
            for (int row = 0; row < 8; row++)
                samples.Slice(row * stride, 8).Fill(value);
        }
        else if (Avx2.IsSupported)
        {
            JpegIdctAvx2.Transform(block, component.Quantization, samples, stride);
        }
        else
        {
            TransformScalar(block, component.Quantization, samples, stride);
        }
    }

    /// <summary>Any processor; the reference for the vector version.</summary>
    internal static void TransformScalar(ReadOnlySpan<short> block, ReadOnlySpan<short> quantization, Span<byte> samples, int stride)
    {
        Span<short> work = stackalloc short[64];
        bool isFlat = true;
        for (int i = 0; i < 64; i++)
        {
            int at = JpegBlock.FromNatural[i];
            work[i] = (short)(block[at] * quantization[at]);
            isFlat &= i < 8 || block[at] == 0;
        }

        for (int column = 0; column < 8; column++)
        {
            // Only row 0: all rows become that row, without saturation.
            if (isFlat)
                Fill(work[column..], (short)(work[column] << PassBits));
            else
                Pass(work[column..], 8, ConstantBits - PassBits);
        }

        for (int row = 0; row < 8; row++)
        {
            Span<short> values = work.Slice(row * 8, 8);
            Pass(values, 1, ConstantBits + PassBits + 3);
            for (int column = 0; column < 8; column++)
                samples[row * stride + column] = Clamp(values[column] + 128);
        }
    }

    private static void Fill(Span<short> column, short value)
    {
        for (int row = 0; row < 8; row++)
            column[row * 8] = value;
    }

    /// <summary>Eight values <paramref name="step"/> apart, in place; the result is divided by 2^<paramref name="shift"/>, rounded.</summary>
    private static void Pass(Span<short> v, int step, int shift)
    {
        // Even part: inputs 0, 2, 4, 6.
        int common = (v[2 * step] + v[6 * step]) * F0541;
        int even2 = common - v[6 * step] * F1847;
        int even3 = common + v[2 * step] * F0765;
        int even0 = (short)(v[0] + v[4 * step]) << ConstantBits;
        int even1 = (short)(v[0] - v[4 * step]) << ConstantBits;
        (int sum0, int sum3, int sum1, int sum2) = (even0 + even3, even0 - even3, even1 + even2, even1 - even2);

        // Odd part: inputs 7, 5, 3, 1.
        (int odd0, int odd1, int odd2, int odd3) = (v[7 * step], v[5 * step], v[3 * step], v[1 * step]);
        (int z3, int z4) = ((short)(odd0 + odd2), (short)(odd1 + odd3));
        (z3, z4) = ((z3 + z4) * F1175 - z3 * F1961, (z3 + z4) * F1175 - z4 * F0390);
        int z1 = -(odd0 + odd3) * F0899;
        int z2 = -(odd1 + odd2) * F2562;
        odd0 = odd0 * F0298 + z1 + z3;
        odd1 = odd1 * F2053 + z2 + z4;
        odd2 = odd2 * F3072 + z2 + z3;
        odd3 = odd3 * F1501 + z1 + z4;

        int half = 1 << (shift - 1);
        v[0] = Saturate((sum0 + odd3 + half) >> shift);
        v[7 * step] = Saturate((sum0 - odd3 + half) >> shift);
        v[1 * step] = Saturate((sum1 + odd2 + half) >> shift);
        v[6 * step] = Saturate((sum1 - odd2 + half) >> shift);
        v[2 * step] = Saturate((sum2 + odd1 + half) >> shift);
        v[5 * step] = Saturate((sum2 - odd1 + half) >> shift);
        v[3 * step] = Saturate((sum3 + odd0 + half) >> shift);
        v[4 * step] = Saturate((sum3 - odd0 + half) >> shift);
    }

    private static short Saturate(int value) => (short)Math.Clamp(value, short.MinValue, short.MaxValue);

    private static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);
}
