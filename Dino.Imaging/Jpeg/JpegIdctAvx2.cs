using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Dino.Imaging.Jpeg.JpegIdct;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// <see cref="JpegIdct"/> with AVX2, a whole block at a time: the products of the flow graph, two by two, are multiply-adds of
/// 16-bit pairs.
/// </summary>
/// <remarks>
/// One pass works on pair vectors of 8 columns x (first, second) 16-bit inputs, for the pairs (0,2), (1,3), (4,6), (5,7), and
/// yields outputs of 8 columns x 32 bits.
/// </remarks>
internal static class JpegIdctAvx2
{
    public static void Transform(ReadOnlySpan<short> block, ReadOnlySpan<short> quantization, Span<byte> samples, int stride)
    {
        ref short coefficients = ref MemoryMarshal.GetReference(block[..64]);
        ref short steps = ref MemoryMarshal.GetReference(quantization[..64]);
        Vector256<short> p02 = Vector256.LoadUnsafe(ref coefficients);
        Vector256<short> p13 = Vector256.LoadUnsafe(ref coefficients, 16);
        Vector256<short> p46 = Vector256.LoadUnsafe(ref coefficients, 32);
        Vector256<short> p57 = Vector256.LoadUnsafe(ref coefficients, 48);
        bool isFlat = Avx.TestZ(p13 | p46 | p57 | (p02 & Seconds), Vector256<short>.AllBitsSet);
        p02 *= Vector256.LoadUnsafe(ref steps);
        Vector256<short> r01, r23, r45, r67;
        if (isFlat)
        {
            // Only row 0: all rows become that row, with PassBits more bits and without saturation.
            Vector256<int> row = p02.AsInt32() << (16 + PassBits) >> 16;
            r01 = r23 = r45 = r67 = Avx2.PackSignedSaturate(row, row);
        }
        else
        {
            p13 *= Vector256.LoadUnsafe(ref steps, 16);
            p46 *= Vector256.LoadUnsafe(ref steps, 32);
            p57 *= Vector256.LoadUnsafe(ref steps, 48);
            Pass(p02, p13, p46, p57, ConstantBits - PassBits, out r01, out r23, out r45, out r67);
        }

        // r01: rows 0 and 1 of columns 0..3 in the lower half, of columns 4..7 in the upper. The second pass wants pairs of
        // columns for all rows: gather (0,2) (0,2) (1,3) (1,3) in each half, then collect equal pairs.
        Vector256<byte> gather = Vector256.Create(Vector128.Create((byte)0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
        Vector256<long> g01 = Avx2.Shuffle(r01.AsByte(), gather).AsInt64();
        Vector256<long> g23 = Avx2.Shuffle(r23.AsByte(), gather).AsInt64();
        Vector256<long> g45 = Avx2.Shuffle(r45.AsByte(), gather).AsInt64();
        Vector256<long> g67 = Avx2.Shuffle(r67.AsByte(), gather).AsInt64();
        Vector256<long> evenTop = Avx2.UnpackLow(g01, g23), oddTop = Avx2.UnpackHigh(g01, g23);
        Vector256<long> evenBottom = Avx2.UnpackLow(g45, g67), oddBottom = Avx2.UnpackHigh(g45, g67);
        p02 = Avx2.Permute2x128(evenTop, evenBottom, 0x20).AsInt16();
        p46 = Avx2.Permute2x128(evenTop, evenBottom, 0x31).AsInt16();
        p13 = Avx2.Permute2x128(oddTop, oddBottom, 0x20).AsInt16();
        p57 = Avx2.Permute2x128(oddTop, oddBottom, 0x31).AsInt16();
        Pass(p02, p13, p46, p57, ConstantBits + PassBits + 3, out r01, out r23, out r45, out r67);
        Store(r01, r23, r45, r67, samples, stride);
    }

    /// <summary>One pass; outputs 2i and 2i + 1 are packed to 16 bits in one vector, each half holding four of the eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pass(
        Vector256<short> p02, Vector256<short> p13, Vector256<short> p46, Vector256<short> p57, [ConstantExpected] int shift,
        out Vector256<short> out01, out Vector256<short> out23, out Vector256<short> out45, out Vector256<short> out67)
    {
        // Even part. The sums 0 +- 4 are the first of each pair, the products of 2 and 6 come from the second.
        Vector256<int> half = Vector256.Create(1 << (shift - 1));
        Vector256<int> sum04 = Multiply(p02 + p46, 1 << ConstantBits, 0) + half;
        Vector256<int> difference04 = Multiply(p02 - p46, 1 << ConstantBits, 0) + half;
        Vector256<int> even2 = Multiply(p02, 0, F0541) + Multiply(p46, 0, F0541 - F1847);
        Vector256<int> even3 = Multiply(p02, 0, F0541 + F0765) + Multiply(p46, 0, F0541);
        Vector256<int> sum0 = sum04 + even3, sum3 = sum04 - even3;
        Vector256<int> sum1 = difference04 + even2, sum2 = difference04 - even2;

        // Odd part: (z4, z3) = (1 + 5, 3 + 7).
        Vector256<short> z43 = p13 + p57;
        Vector256<int> z3 = Multiply(z43, F1175, F1175 - F1961);
        Vector256<int> z4 = Multiply(z43, F1175 - F0390, F1175);
        Vector256<short> p17 = Avx2.Blend(p13, p57, 0xAA), p53 = Avx2.Blend(p57, p13, 0xAA);
        Vector256<int> odd0 = Multiply(p17, -F0899, F0298 - F0899) + z3;
        Vector256<int> odd3 = Multiply(p17, F1501 - F0899, -F0899) + z4;
        Vector256<int> odd1 = Multiply(p53, F2053 - F2562, -F2562) + z4;
        Vector256<int> odd2 = Multiply(p53, -F2562, F3072 - F2562) + z3;

        out01 = Avx2.PackSignedSaturate((sum0 + odd3) >> shift, (sum1 + odd2) >> shift);
        out23 = Avx2.PackSignedSaturate((sum2 + odd1) >> shift, (sum3 + odd0) >> shift);
        out45 = Avx2.PackSignedSaturate((sum3 - odd0) >> shift, (sum2 - odd1) >> shift);
        out67 = Avx2.PackSignedSaturate((sum1 - odd2) >> shift, (sum0 - odd3) >> shift);
    }

    /// <summary>Clamps, adds 128, transposes columns back to rows and stores eight rows of eight samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<short> c01, Vector256<short> c23, Vector256<short> c45, Vector256<short> c67, Span<byte> samples, int stride)
    {
        // Lower half: rows 0..3 of a column in each 32 bits; upper half: rows 4..7. Flipping the sign bit adds 128.
        Vector256<byte> bias = Vector256.Create((byte)0x80);
        Vector256<byte> transpose = Vector256.Create(Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
        Vector256<int> left = Avx2.Shuffle(Avx2.PackSignedSaturate(c01, c23).AsByte() ^ bias, transpose).AsInt32();
        Vector256<int> right = Avx2.Shuffle(Avx2.PackSignedSaturate(c45, c67).AsByte() ^ bias, transpose).AsInt32();
        Vector256<ulong> rows01and45 = Avx2.UnpackLow(left, right).AsUInt64();
        Vector256<ulong> rows23and67 = Avx2.UnpackHigh(left, right).AsUInt64();

        ref byte target = ref MemoryMarshal.GetReference(samples[..(7 * stride + 8)]);
        Unsafe.WriteUnaligned(ref target, rows01and45.GetElement(0));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, stride), rows01and45.GetElement(1));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 2 * stride), rows23and67.GetElement(0));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 3 * stride), rows23and67.GetElement(1));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 4 * stride), rows01and45.GetElement(2));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 5 * stride), rows01and45.GetElement(3));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 6 * stride), rows23and67.GetElement(2));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 7 * stride), rows23and67.GetElement(3));
    }

    /// <summary>first · a + second · b of every pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Multiply(Vector256<short> pairs, int a, int b) =>
        Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((a & 0xFFFF) | b << 16).AsInt16());

    /// <summary>Selects the second of every pair.</summary>
    private static Vector256<short> Seconds => Vector256.Create(0xFFFF0000).AsInt16();
}
