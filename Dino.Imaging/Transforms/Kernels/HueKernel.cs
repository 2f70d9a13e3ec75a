using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Imaging.Transforms.Kernels;

/// <summary>
/// RGB → 8-bit HSV → hue shift → RGB, eight pixels at a time. The reference mixes F32 and F64; here everything is F32 with the
/// rounding error carried along where it decides a result. Equal to the reference for all 2^24 colours, see HueKernelTests.
/// </summary>
internal static class HueKernel
{
    /// <summary>Adds <paramref name="shift"/> (0..255) to the hue byte of every pixel, modulo 256.</summary>
    public static void Shift(PlanarImage image, int shift)
    {
        int stride = image.PlaneStride;
        ref byte first = ref MemoryMarshal.GetReference(image.Padded);
        for (int i = 0; i < stride; i += 8)
        {
            Vector256<int> red = Lanes.Load(ref first, i), green = Lanes.Load(ref first, i + stride), blue = Lanes.Load(ref first, i + (2 * stride));
            (Vector256<int> hue, Vector256<int> saturation, Vector256<int> value) = ToHsv(red, green, blue);
            hue = (hue + Vector256.Create(shift)) & Vector256.Create(255);
            (red, green, blue) = ToRgb(hue, saturation, value);
            Lanes.Store(red, ref first, i);
            Lanes.Store(green, ref first, i + stride);
            Lanes.Store(blue, ref first, i + (2 * stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> Hue, Vector256<int> Saturation, Vector256<int> Value) ToHsv(Vector256<int> red, Vector256<int> green, Vector256<int> blue)
    {
        Vector256<int> largest = Vector256.Max(red, Vector256.Max(green, blue));
        Vector256<int> smallest = Vector256.Min(red, Vector256.Min(green, blue));
        Vector256<int> range = largest - smallest;
        Vector256<int> colourful = Vector256.GreaterThan(range, Vector256<int>.Zero);
        Vector256<float> rangeF = Vector256.ConvertToSingle(range);

        // Of the two channels that are not the largest one is the smallest, at distance exactly 1 in units of the range; so only
        // the distance of the middle channel needs a division.
        Vector256<int> middle = red + green + blue - largest - smallest;
        Vector256<float> distance = Vector256.ConvertToSingle(largest - middle) / rangeF;

        Vector256<int> isRed = Vector256.Equals(red, largest);
        Vector256<int> isGreen = Vector256.AndNot(Vector256.Equals(green, largest), isRed);
        Vector256<int> following = Vector256.ConditionalSelect(isRed, green, Vector256.ConditionalSelect(isGreen, blue, red));
        Vector256<float> sector = Vector256.ConditionalSelect(isRed.AsSingle(), Vector256<float>.Zero, Vector256.ConditionalSelect(isGreen.AsSingle(), Vector256.Create(2f), Vector256.Create(4f)));
        Vector256<float> descending = Vector256.Equals(following, smallest).AsSingle();
        Vector256<float> sixths = Vector256.ConditionalSelect(descending, (sector - Vector256<float>.One) + distance, (sector + Vector256<float>.One) - distance);

        // Six sixths are one turn; a negative hue wraps round.
        Vector256<float> turn = sixths / Vector256.Create(6f);
        turn += Vector256.ConditionalSelect(Vector256.LessThan(turn, Vector256<float>.Zero), Vector256<float>.One, Vector256<float>.Zero);
        Vector256<int> hue = TruncatedTimes255(turn) & colourful;
        Vector256<int> saturation = TruncatedTimes255(rangeF / Vector256.ConvertToSingle(largest)) & colourful;
        return (hue, saturation, largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> Red, Vector256<int> Green, Vector256<int> Blue) ToRgb(Vector256<int> hue, Vector256<int> saturation, Vector256<int> value)
    {
        // x / 255 = (257 x + 257) >> 16 for 0 ≤ x ≤ 1530.
        Vector256<int> six = hue * 6;
        Vector256<int> sector = ((six * 257) + Vector256.Create(257)) >> 16;
        Vector256<float> byteMax = Vector256.Create(255f);
        Vector256<float> fraction = Vector256.ConvertToSingle(six - (sector * 255)) / byteMax;
        Vector256<float> strength = Vector256.ConvertToSingle(saturation) / byteMax;

        // round(v (1 - s)): never near a tie, so integers do. y / 255 rounded = (y' + (y' >> 8)) >> 8 with y' = y + 128.
        Vector256<int> product = (value * (Vector256.Create(255) - saturation)) + Vector256.Create(128);
        Vector256<int> p = (product + (product >> 8)) >> 8;

        Vector256<int> q = Faded(value, strength * fraction, Vector256<float>.Zero);

        // 1 - fraction and the product are not exact in F32: their errors go along.
        Vector256<float> rest = Vector256<float>.One - fraction;
        Vector256<float> restError = (Vector256<float>.One - rest) - fraction;
        Vector256<float> fade = strength * rest;
        Vector256<float> fadeError = Vector256.FusedMultiplyAdd(strength, rest, -fade) + (strength * restError);
        Vector256<int> t = Faded(value, fade, fadeError);

        Vector256<int> is1 = Is(sector, 1), is2 = Is(sector, 2), is3 = Is(sector, 3), is4 = Is(sector, 4), is5 = Is(sector, 5);
        Vector256<int> first = Vector256.ConditionalSelect(is1, q, Vector256.ConditionalSelect(is2 | is3, p, Vector256.ConditionalSelect(is4, t, value)));
        Vector256<int> second = Vector256.ConditionalSelect(is1 | is2, value, Vector256.ConditionalSelect(is3, q, Vector256.ConditionalSelect(is4 | is5, p, t)));
        Vector256<int> third = Vector256.ConditionalSelect(is3 | is4, value, Vector256.ConditionalSelect(is2, t, Vector256.ConditionalSelect(is5, q, p)));
        return (first, second, third);
    }

    /// <summary>round(value · (1 - fade - fadeError)), half up, decided on the exact remainder.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Faded(Vector256<int> value, Vector256<float> fade, Vector256<float> fadeError)
    {
        Vector256<float> v = Vector256.ConvertToSingle(value);
        Vector256<int> rounded = Vector256.ConvertToInt32Native(Vector256.FusedMultiplyAdd(-v, fade, v) + Vector256.Create(0.5f));
        Vector256<float> remainder = Vector256.FusedMultiplyAdd(-v, fade, Vector256.ConvertToSingle(value - rounded)) - (v * fadeError);
        // A comparison is -1 where it holds.
        rounded -= Vector256.GreaterThanOrEqual(remainder, Vector256.Create(0.5f)).AsInt32();
        return rounded + Vector256.LessThan(remainder, Vector256.Create(-0.5f)).AsInt32();
    }

    /// <summary>floor(255 x) of the exact product, x ≥ 0: where the rounded product reached the next integer, it is taken back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> TruncatedTimes255(Vector256<float> x)
    {
        Vector256<float> scale = Vector256.Create(255f);
        Vector256<int> whole = Vector256.ConvertToInt32Native(x * scale);
        Vector256<float> remainder = Vector256.FusedMultiplyAdd(x, scale, -Vector256.ConvertToSingle(whole));
        return whole + Vector256.LessThan(remainder, Vector256<float>.Zero).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Is(Vector256<int> sector, int number) => Vector256.Equals(sector, Vector256.Create(number));
}
