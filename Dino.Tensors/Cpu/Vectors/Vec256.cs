using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu;

/// <summary>8 lanes of F32 in one 256-bit register (AVX2).</summary>
internal readonly unsafe struct Vec256(Vector256<float> lanes) : IVec<Vec256>
{
    private readonly Vector256<float> _lanes = lanes;

    public static int Count => 8;

    public static Vec256 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Create(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vec256 value, float* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 LoadPartial(float* source, int count) => new(LoadLanes(source, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> LoadLanes(float* source, int count)
    {
        if (Avx.IsSupported)
            return Avx.MaskLoad(source, FirstLanes(count)._lanes);
        Vector256<float> lanes = Vector256<float>.Zero;
        for (int i = 0; i < count; i++)
            lanes = lanes.WithElement(i, source[i]);
        return lanes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vec256 value, float* destination, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(destination, FirstLanes(count)._lanes, value._lanes);
            return;
        }

        for (int i = 0; i < count; i++)
            destination[i] = value._lanes[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 LoadInt32(int* source) => new(Vector256.ConvertToSingle(Vector256.Load(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 LoadBFloat16(ushort* source)
    {
        if (Avx2.IsSupported)
            return new((Avx2.ConvertToVector256Int32(source) << 16).AsSingle());
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Load(source));
        return new((Vector256.Create(low, high) << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vec256 value, byte* destination)
    {
        Vector256<uint> lanes = Vector256.ConvertToInt32Native(value._lanes).AsUInt32();
        Vector128<ushort> words = Vector128.Narrow(lanes.GetLower(), lanes.GetUpper());
        *(ulong*)destination = Vector128.Narrow(words, words).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 operator +(Vec256 a, Vec256 b) => new(a._lanes + b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 operator -(Vec256 a, Vec256 b) => new(a._lanes - b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 operator *(Vec256 a, Vec256 b) => new(a._lanes * b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 operator /(Vec256 a, Vec256 b) => new(a._lanes / b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 operator -(Vec256 a) => new(-a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 MultiplyAdd(Vec256 a, Vec256 b, Vec256 c) =>
        new(Vector256.MultiplyAddEstimate(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Max(Vec256 a, Vec256 b) => new(Vector256.MaxNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Min(Vec256 a, Vec256 b) => new(Vector256.MinNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Abs(Vec256 a) => new(Vector256.Abs(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Sqrt(Vec256 a) => new(Vector256.Sqrt(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Floor(Vec256 a) => new(Vector256.Floor(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Round(Vec256 a) => new(Vector256.Round(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 LessThan(Vec256 a, Vec256 b) => new(Vector256.LessThan(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Equal(Vec256 a, Vec256 b) => new(Vector256.Equals(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 FirstLanes(int count) =>
        new(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vec256 mask) => Vector256.LessThanAny(mask._lanes.AsInt32(), Vector256<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Select(Vec256 mask, Vec256 a, Vec256 b) =>
        new(Vector256.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 PowerOfTwo(Vec256 n) =>
        new(((Vector256.ConvertToInt32Native(n._lanes) + Vector256.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Scale(Vec256 x, Vec256 n)
    {
        if (Avx512F.VL.IsSupported)
            return new(Avx512F.VL.Scale(x._lanes, n._lanes));
        // Half of the exponent at a time: the first product is exact, the second rounds.
        Vec256 half = Floor(n * Create(0.5f));
        return x * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec256 Mantissa(Vec256 x, out Vec256 exponent)
    {
        Vector256<int> bits = x._lanes.AsInt32();
        exponent = new(Vector256.ConvertToSingle((bits >> 23) - Vector256.Create(127)));
        return new(((bits & Vector256.Create(0x007FFFFF)) | Vector256.Create(0x3F800000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vec256 a) => Vector256.Sum(a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vec256 a)
    {
        Vector128<float> half = Vector128.MaxNative(a._lanes.GetLower(), a._lanes.GetUpper());
        return MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3]));
    }
}
