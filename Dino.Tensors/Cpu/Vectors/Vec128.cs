using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu;

/// <summary>4 lanes of F32 in one 128-bit register: SSE, Arm NEON, WASM, or plain scalar code where the runtime has no vectors at all.</summary>
internal readonly unsafe struct Vec128(Vector128<float> lanes) : IVec<Vec128>
{
    private readonly Vector128<float> _lanes = lanes;

    public static int Count => 4;

    public static Vec128 Zero => new(Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Create(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vec128 value, float* destination) => value._lanes.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 LoadPartial(float* source, int count)
    {
        Vector128<float> lanes = Vector128<float>.Zero;
        for (int i = 0; i < count; i++)
            lanes = lanes.WithElement(i, source[i]);
        return new(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vec128 value, float* destination, int count)
    {
        for (int i = 0; i < count; i++)
            destination[i] = value._lanes[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 LoadInt32(int* source) => new(Vector128.ConvertToSingle(Vector128.Load(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 LoadBFloat16(ushort* source) =>
        new((Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsUInt16()) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vec128 value, byte* destination)
    {
        Vector128<uint> lanes = Vector128.ConvertToInt32Native(value._lanes).AsUInt32();
        Vector128<ushort> words = Vector128.Narrow(lanes, lanes);
        *(uint*)destination = Vector128.Narrow(words, words).AsUInt32().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 operator +(Vec128 a, Vec128 b) => new(a._lanes + b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 operator -(Vec128 a, Vec128 b) => new(a._lanes - b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 operator *(Vec128 a, Vec128 b) => new(a._lanes * b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 operator /(Vec128 a, Vec128 b) => new(a._lanes / b._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 operator -(Vec128 a) => new(-a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 MultiplyAdd(Vec128 a, Vec128 b, Vec128 c) =>
        new(Vector128.MultiplyAddEstimate(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Max(Vec128 a, Vec128 b) => new(Vector128.MaxNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Min(Vec128 a, Vec128 b) => new(Vector128.MinNative(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Abs(Vec128 a) => new(Vector128.Abs(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Sqrt(Vec128 a) => new(Vector128.Sqrt(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Floor(Vec128 a) => new(Vector128.Floor(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Round(Vec128 a) => new(Vector128.Round(a._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 LessThan(Vec128 a, Vec128 b) => new(Vector128.LessThan(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Equal(Vec128 a, Vec128 b) => new(Vector128.Equals(a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 FirstLanes(int count) =>
        new(Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vec128 mask) => Vector128.LessThanAny(mask._lanes.AsInt32(), Vector128<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Select(Vec128 mask, Vec128 a, Vec128 b) =>
        new(Vector128.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 PowerOfTwo(Vec128 n) =>
        new(((Vector128.ConvertToInt32Native(n._lanes) + Vector128.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Scale(Vec128 x, Vec128 n)
    {
        if (Avx512F.VL.IsSupported)
            return new(Avx512F.VL.Scale(x._lanes, n._lanes));
        // Half of the exponent at a time: the first product is exact, the second rounds.
        Vec128 half = Floor(n * Create(0.5f));
        return x * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vec128 Mantissa(Vec128 x, out Vec128 exponent)
    {
        Vector128<int> bits = x._lanes.AsInt32();
        exponent = new(Vector128.ConvertToSingle((bits >> 23) - Vector128.Create(127)));
        return new(((bits & Vector128.Create(0x007FFFFF)) | Vector128.Create(0x3F800000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vec128 a) => Vector128.Sum(a._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vec128 a)
    {
        return MathF.Max(MathF.Max(a._lanes[0], a._lanes[1]), MathF.Max(a._lanes[2], a._lanes[3]));
    }
}
