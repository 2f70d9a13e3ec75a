using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>8 lanes, one instruction (AVX-VNNI).</summary>
internal readonly unsafe struct VnniBytes(Vector256<int> lanes) : IByteVec<VnniBytes>
{
    private readonly Vector256<int> _lanes = lanes;

    public static bool IsSupported => AvxVnni.IsSupported;

    public static int Count => 8;

    public static VnniBytes Zero => new(Vector256<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniBytes Create(uint bytes) => new(Vector256.Create((int)bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniBytes Load(byte* source) => new(Vector256.Load((int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(VnniBytes value, int* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniBytes MultiplyAdd(VnniBytes unsigned, VnniBytes signed, VnniBytes sum) =>
        new(AvxVnni.MultiplyWideningAndAdd(sum._lanes, unsigned._lanes.AsByte(), signed._lanes.AsSByte()));
}

/// <summary>8 lanes (AVX2).</summary>
/// <remarks>
/// The product of bytes sums pairs in 16 bits and saturates: 2 · 255 · 127 does not fit. Seven bits of the unsigned byte and its eighth are therefore
/// multiplied apart: 2 · 127 · 127 and 2 · 128 · 127 do.
/// </remarks>
internal readonly unsafe struct Avx2Bytes(Vector256<int> lanes) : IByteVec<Avx2Bytes>
{
    private readonly Vector256<int> _lanes = lanes;

    public static bool IsSupported => Avx2.IsSupported;

    public static int Count => 8;

    public static Avx2Bytes Zero => new(Vector256<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Bytes Create(uint bytes) => new(Vector256.Create((int)bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Bytes Load(byte* source) => new(Vector256.Load((int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Avx2Bytes value, int* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Bytes MultiplyAdd(Avx2Bytes unsigned, Avx2Bytes signed, Avx2Bytes sum)
    {
        Vector256<byte> bytes = unsigned._lanes.AsByte();
        Vector256<sbyte> weights = signed._lanes.AsSByte();
        Vector256<short> low = Avx2.MultiplyAddAdjacent(bytes & Vector256.Create((byte)0x7F), weights);
        Vector256<short> high = Avx2.MultiplyAddAdjacent(bytes & Vector256.Create((byte)0x80), weights);
        Vector256<int> total = Avx2.MultiplyAddAdjacent(low, Vector256<short>.One) + Avx2.MultiplyAddAdjacent(high, Vector256<short>.One);
        return new(sum._lanes + total);
    }
}

/// <summary>4 lanes (SSSE3), as <see cref="Avx2Bytes"/>.</summary>
internal readonly unsafe struct Ssse3Bytes(Vector128<int> lanes) : IByteVec<Ssse3Bytes>
{
    private readonly Vector128<int> _lanes = lanes;

    public static bool IsSupported => Ssse3.IsSupported;

    public static int Count => 4;

    public static Ssse3Bytes Zero => new(Vector128<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Ssse3Bytes Create(uint bytes) => new(Vector128.Create((int)bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Ssse3Bytes Load(byte* source) => new(Vector128.Load((int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Ssse3Bytes value, int* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Ssse3Bytes MultiplyAdd(Ssse3Bytes unsigned, Ssse3Bytes signed, Ssse3Bytes sum)
    {
        Vector128<byte> bytes = unsigned._lanes.AsByte();
        Vector128<sbyte> weights = signed._lanes.AsSByte();
        Vector128<short> low = Ssse3.MultiplyAddAdjacent(bytes & Vector128.Create((byte)0x7F), weights);
        Vector128<short> high = Ssse3.MultiplyAddAdjacent(bytes & Vector128.Create((byte)0x80), weights);
        Vector128<int> total = Sse2.MultiplyAddAdjacent(low, Vector128<short>.One) + Sse2.MultiplyAddAdjacent(high, Vector128<short>.One);
        return new(sum._lanes + total);
    }
}

/// <summary>4 lanes in 32-bit arithmetic: any hardware, or none.</summary>
internal readonly unsafe struct PortableBytes(Vector128<int> lanes) : IByteVec<PortableBytes>
{
    private readonly Vector128<int> _lanes = lanes;

    public static int Count => 4;

    public static PortableBytes Zero => new(Vector128<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PortableBytes Create(uint bytes) => new(Vector128.Create((int)bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PortableBytes Load(byte* source) => new(Vector128.Load((int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PortableBytes value, int* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PortableBytes MultiplyAdd(PortableBytes unsigned, PortableBytes signed, PortableBytes sum)
    {
        Vector128<int> x = unsigned._lanes, w = signed._lanes, byteMask = Vector128.Create(0xFF);
        Vector128<int> outer = ((x & byteMask) * ((w << 24) >> 24)) + ((x >>> 24) * (w >> 24));
        Vector128<int> inner = (((x >> 8) & byteMask) * ((w << 16) >> 24)) + (((x >> 16) & byteMask) * ((w << 8) >> 24));
        return new(sum._lanes + outer + inner);
    }
}
