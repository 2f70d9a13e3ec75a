using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Imaging.Transforms.Kernels;

/// <summary>The two passes of a separable resize over interleaved RGB bytes in 22-bit fixed point. Exact on every path.</summary>
internal static class ResamplePasses
{
    /// <summary>A weight w is split as w = 4096 · high + low so that both parts and their products with bytes suit 16-bit multiply-add.</summary>
    private const int LowBits = 12;

    private const int Rounding = 1 << (ResampleWeights.FractionBits - 1);

    /// <summary>Bytes that <see cref="Horizontal"/> may read behind the last pixel it uses.</summary>
    public const int ReadAhead = 64;

    /// <summary>True where <see cref="Horizontal"/> wants weights in the form of <see cref="Pack"/>.</summary>
    public static bool UsesPackedWeights => Avx2.IsSupported;

    /// <summary>
    /// Lays weights out for <see cref="Horizontal"/>: per target pixel and group of 4 taps, 16 high parts then 16 low parts, as
    /// (w0, w1) four times and (w2, w3) four times - one pair for each of R, G, B and an unused lane.
    /// </summary>
    public static void Pack(ResampleWeights weights, Span<short> packed)
    {
        Span<int> pairs = MemoryMarshal.Cast<short, int>(packed);
        ReadOnlySpan<int> values = weights.Values.AsSpan(0, weights.Length * weights.Taps);
        for (int i = 0; i < values.Length; i += 4)
        {
            ReadOnlySpan<int> w = values.Slice(i, 4);
            Span<int> group = pairs.Slice(i * 4, 16);
            group[..4].Fill(Pair(w[0] >> LowBits, w[1] >> LowBits));
            group[4..8].Fill(Pair(w[2] >> LowBits, w[3] >> LowBits));
            const int Mask = (1 << LowBits) - 1;
            group[8..12].Fill(Pair(w[0] & Mask, w[1] & Mask));
            group[12..].Fill(Pair(w[2] & Mask, w[3] & Mask));
        }

        static int Pair(int low, int high) => (low & 0xFFFF) | (high << 16);
    }

    /// <summary>One row: target pixel x = sum of weights · source pixels.</summary>
    /// <param name="weights">Weights of the horizontal axis.</param>
    /// <param name="packed">The same from <see cref="Pack"/>; unused where <see cref="UsesPackedWeights"/> is false.</param>
    /// <param name="source">Interleaved pixels, followed by <see cref="ReadAhead"/> readable bytes.</param>
    /// <param name="destination">Room for 3 · Length + 1 bytes.</param>
    public static void Horizontal(ResampleWeights weights, ReadOnlySpan<short> packed, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (Avx2.IsSupported)
            HorizontalAvx2(weights, packed, source, destination);
        else
            HorizontalScalar(weights, source, destination);
    }

    /// <summary>One row: target byte x = sum over rows of weight · byte x.</summary>
    /// <param name="weights">The weights of this target row, one per source row.</param>
    /// <param name="source">First byte of the first source row; every row has <paramref name="stride"/> readable bytes.</param>
    /// <param name="stride">Bytes from row to row, a multiple of 32.</param>
    /// <param name="destination">Room for <paramref name="stride"/> bytes; all are written.</param>
    public static void Vertical(ReadOnlySpan<int> weights, ReadOnlySpan<byte> source, int stride, Span<byte> destination)
    {
        _ = source[(weights.Length * stride) - 1];
        _ = destination[stride - 1];
        ref byte rows = ref MemoryMarshal.GetReference(source);
        ref byte target = ref MemoryMarshal.GetReference(destination);
        for (int x = 0; x < stride; x += 32)
        {
            Vector256<int> a = Vector256.Create(Rounding), b = a, c = a, d = a;
            int at = x;
            for (int t = 0; t < weights.Length; t++, at += stride)
            {
                Vector256<int> weight = Vector256.Create(weights[t]);
                a += Lanes.Load(ref rows, at) * weight;
                b += Lanes.Load(ref rows, at + 8) * weight;
                c += Lanes.Load(ref rows, at + 16) * weight;
                d += Lanes.Load(ref rows, at + 24) * weight;
            }

            Lanes.Store(Lanes.Clamp(a >> ResampleWeights.FractionBits), ref target, x);
            Lanes.Store(Lanes.Clamp(b >> ResampleWeights.FractionBits), ref target, x + 8);
            Lanes.Store(Lanes.Clamp(c >> ResampleWeights.FractionBits), ref target, x + 16);
            Lanes.Store(Lanes.Clamp(d >> ResampleWeights.FractionBits), ref target, x + 24);
        }
    }

    private static void HorizontalAvx2(ResampleWeights weights, ReadOnlySpan<short> packed, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        // 12 bytes = 4 pixels, spread to 16-bit lanes: R0 R1 G0 G1 B0 B1 0 0 | R2 R3 G2 G3 B2 B3 0 0.
        Vector256<byte> spread = Vector256.Create(
            0, 255, 3, 255, 1, 255, 4, 255, 2, 255, 5, 255, 255, 255, 255, 255,
            6, 255, 9, 255, 7, 255, 10, 255, 8, 255, 11, 255, 255, 255, 255, (byte)255);
        int groups = weights.Taps / 4;
        _ = packed[(weights.Length * groups * 32) - 1];
        _ = destination[3 * weights.Length];
        ref short table = ref MemoryMarshal.GetReference(packed);
        ref byte pixels = ref MemoryMarshal.GetReference(source);
        ref byte target = ref MemoryMarshal.GetReference(destination);
        ReadOnlySpan<int> starts = weights.Start, counts = weights.Count;
        for (int x = 0; x < weights.Length; x++)
        {
            ref byte at = ref Unsafe.Add(ref pixels, 3 * starts[x]);
            ref short weight = ref Unsafe.Add(ref table, x * groups * 32);
            Vector256<int> high = Vector256<int>.Zero, low = high;
            for (int t = counts[x]; t > 0; t -= 4)
            {
                Vector128<byte> four = Vector128.LoadUnsafe(ref at);
                Vector256<short> channels = Avx2.Shuffle(Vector256.Create(four, four), spread).AsInt16();
                high += Avx2.MultiplyAddAdjacent(channels, Vector256.LoadUnsafe(ref weight));
                low += Avx2.MultiplyAddAdjacent(channels, Vector256.LoadUnsafe(ref weight, 16));
                at = ref Unsafe.Add(ref at, 12);
                weight = ref Unsafe.Add(ref weight, 32);
            }

            Vector256<int> both = (high << LowBits) + low;
            Vector128<int> sum = (both.GetLower() + both.GetUpper() + Vector128.Create(Rounding)) >> ResampleWeights.FractionBits;
            Vector128<short> words = Sse2.PackSignedSaturate(sum, sum);
            // The fourth byte is overwritten by the next pixel; behind the last one the row has room for it.
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 3 * x), Sse2.PackUnsignedSaturate(words, words).AsUInt32().ToScalar());
        }
    }

    private static void HorizontalScalar(ResampleWeights weights, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        for (int x = 0; x < weights.Length; x++)
        {
            ReadOnlySpan<int> row = weights.Values.AsSpan(x * weights.Taps, weights.Count[x]);
            ReadOnlySpan<byte> pixels = source.Slice(3 * weights.Start[x], 3 * row.Length);
            int red = Rounding, green = Rounding, blue = Rounding;
            for (int t = 0, i = 0; t < row.Length; t++, i += 3)
            {
                red += row[t] * pixels[i];
                green += row[t] * pixels[i + 1];
                blue += row[t] * pixels[i + 2];
            }

            destination[3 * x] = (byte)Math.Clamp(red >> ResampleWeights.FractionBits, 0, 255);
            destination[(3 * x) + 1] = (byte)Math.Clamp(green >> ResampleWeights.FractionBits, 0, 255);
            destination[(3 * x) + 2] = (byte)Math.Clamp(blue >> ResampleWeights.FractionBits, 0, 255);
        }
    }
}
