using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu;

/// <summary>16 lanes of F32 in one 512-bit register (AVX-512).</summary>
internal readonly unsafe struct Vec512(Vector512<float> lanes) : IVec<Vec512>
{
    private readonly Vector512<float> _lanes = lanes;

    public static int Count => 16;

    public static Vec512 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Create(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vec512 value, float* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 LoadPartial(float* source, int count) =>
        new(Avx512F.IsSupported
            ? Avx512F.MaskLoad(source, FirstLanes(count)._lanes, Vector512<float>.Zero)
            : Vector512.Create(Lower(source, count), Upper(source, count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vec512 value, float* destination, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(destination, FirstLanes(count)._lanes, value._lanes);
            return;
        }

        for (int i = 0; i < count; i++)
            destination[i] = value._lanes[i];
    }

    private static Vector256<float> Lower(float* source, int count) => Vec256.LoadLanes(source, Math.Min(count, 8));

    private static Vector256<float> Upper(float* source, int count) => Vec256.LoadLanes(source + 8, Math.Max(count - 8, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 LoadInt32(int* source) => new(Vector512.ConvertToSingle(Vector512.Load(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 LoadBFloat16(ushort* source)
    {
        if (Avx512F.IsSupported)
            return new((Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << 16).AsSingle());
        (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(source));
        return new((Vector512.Create(low, high) << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vec512 value, byte* destination)
    {
        Vector512<int> lanes = Vector512.ConvertToInt32Native(value._lanes);
        if (Avx512F.IsSupported)
        {
            Avx512F.ConvertToVector128Byte(lanes).Store(destination);
            return;
        }

        Vector256<ushort> words = Vector256.Narrow(lanes.GetLower().AsUInt32(), lanes.GetUpper().AsUInt32());
        Vector128.Narrow(words.GetLower(), words.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 operator +(Vec512 a, Vec512 b) => new(a._lanes + b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 operator -(Vec512 a, Vec512 b) => new(a._lanes - b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 operator *(Vec512 a, Vec512 b) => new(a._lanes * b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 operator /(Vec512 a, Vec512 b) => new(a._lanes / b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 operator -(Vec512 a) => new(-a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 MultiplyAdd(Vec512 a, Vec512 b, Vec512 c) =>
        new(Vector512.MultiplyAddEstimate(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Max(Vec512 a, Vec512 b) => new(Vector512.MaxNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Min(Vec512 a, Vec512 b) => new(Vector512.MinNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Abs(Vec512 a) => new(Vector512.Abs(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Sqrt(Vec512 a) => new(Vector512.Sqrt(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Floor(Vec512 a) => new(Vector512.Floor(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Round(Vec512 a) => new(Vector512.Round(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 LessThan(Vec512 a, Vec512 b) => new(Vector512.LessThan(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Equal(Vec512 a, Vec512 b) => new(Vector512.Equals(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 FirstLanes(int count) =>
        new(Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vec512 mask) => Vector512.LessThanAny(mask._lanes.AsInt32(), Vector512<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Select(Vec512 mask, Vec512 a, Vec512 b) =>
        new(Vector512.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 PowerOfTwo(Vec512 n) =>
        new(((Vector512.ConvertToInt32Native(n._lanes) + Vector512.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Scale(Vec512 x, Vec512 n)
    {
        if (Avx512F.IsSupported)
            return new(Avx512F.Scale(x._lanes, n._lanes));
        // Half of the exponent at a time: the first product is exact, the second rounds.
        Vec512 half = Floor(n * Create(0.5f));
        return x * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec512 Mantissa(Vec512 x, out Vec512 exponent)
    {
        Vector512<int> bits = x._lanes.AsInt32();
        exponent = new(Vector512.ConvertToSingle((bits >> 23) - Vector512.Create(127)));
        return new(((bits & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F800000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vec512 a) => Vector512.Sum(a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vec512 a)
    {
        Vector256<float> half = Vector256.MaxNative(a._lanes.GetLower(), a._lanes.GetUpper());
        Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }
}
