using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Dino.Imaging.Jpeg.JpegIdct;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// <see cref="JpegIdct"/> with AVX2, a whole block at a time. Every output is a sum over the eight inputs, so the flow graph is
/// multiplied out into multiply-adds of 16-bit pairs: the integer sums, and with them the result, stay the same.
/// </summary>
/// <remarks>
/// Vectors of one pass: pair vectors of 8 columns x (first, second) 16-bit inputs, for the pairs (0,2), (1,3), (4,6), (5,7);
/// outputs of 8 columns x 32 bits. Between the passes values saturate to 16 bits, which only damaged data reaches.
/// </remarks>
internal static class JpegIdctAvx2
{
    private const int One = 1 << ConstantBits;

    public static void Transform(ReadOnlySpan<short> block, ReadOnlySpan<short> quantization, Span<byte> samples, int stride)
    {
        ref short coefficients = ref MemoryMarshal.GetReference(block[..64]);
        ref short steps = ref MemoryMarshal.GetReference(quantization[..64]);
        Vector256<short> p02 = Vector256.LoadUnsafe(ref coefficients) * Vector256.LoadUnsafe(ref steps);
        Vector256<short> p13 = Vector256.LoadUnsafe(ref coefficients, 16) * Vector256.LoadUnsafe(ref steps, 16);
        Vector256<short> p46 = Vector256.LoadUnsafe(ref coefficients, 32) * Vector256.LoadUnsafe(ref steps, 32);
        Vector256<short> p57 = Vector256.LoadUnsafe(ref coefficients, 48) * Vector256.LoadUnsafe(ref steps, 48);
        Pass(p02, p13, p46, p57, ConstantBits - PassBits, out Vector256<short> r01, out Vector256<short> r23, out Vector256<short> r45, out Vector256<short> r67);

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
        Vector256<int> half = Vector256.Create(1 << (shift - 1));
        Vector256<int> even0 = Sum(p02, One, F0541 + F0765, p46, One, F0541) + half;
        Vector256<int> even1 = Sum(p02, One, F0541, p46, -One, F0541 - F1847) + half;
        Vector256<int> even2 = Sum(p02, One, -F0541, p46, -One, F1847 - F0541) + half;
        Vector256<int> even3 = Sum(p02, One, -F0541 - F0765, p46, One, -F0541) + half;
        Vector256<int> odd0 = Sum(p13, F1501 - F0899 - F0390 + F1175, F1175, p57, F1175 - F0390, F1175 - F0899);
        Vector256<int> odd1 = Sum(p13, F1175, F3072 - F2562 - F1961 + F1175, p57, F1175 - F2562, F1175 - F1961);
        Vector256<int> odd2 = Sum(p13, F1175 - F0390, F1175 - F2562, p57, F2053 - F2562 - F0390 + F1175, F1175);
        Vector256<int> odd3 = Sum(p13, F1175 - F0899, F1175 - F1961, p57, F1175, F0298 - F0899 - F1961 + F1175);
        out01 = Avx2.PackSignedSaturate((even0 + odd0) >> shift, (even1 + odd1) >> shift);
        out23 = Avx2.PackSignedSaturate((even2 + odd2) >> shift, (even3 + odd3) >> shift);
        out45 = Avx2.PackSignedSaturate((even3 - odd3) >> shift, (even2 - odd2) >> shift);
        out67 = Avx2.PackSignedSaturate((even1 - odd1) >> shift, (even0 - odd0) >> shift);
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

    /// <summary>In every column: a · first + b · second of one pair, plus c · first + d · second of another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sum(Vector256<short> p, int a, int b, Vector256<short> q, int c, int d) =>
        Avx2.MultiplyAddAdjacent(p, Vector256.Create((a & 0xFFFF) | b << 16).AsInt16()) + Avx2.MultiplyAddAdjacent(q, Vector256.Create((c & 0xFFFF) | d << 16).AsInt16());
}
