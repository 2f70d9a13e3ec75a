using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Conversions between element types. Every pair goes through a tile of F32 in the L1 (or has F32 at one end), so there is one
/// reader and one writer per type instead of twenty pairs; I32 beyond 2^24 is therefore rounded to F32 first, as in torch.
/// </summary>
/// <remarks>To nearest even; F32 to I32 and U8 truncates and saturates, NaN gives 0.</remarks>
internal static unsafe class Conversions
{
    private const int Tile = 1024;

    /// <summary>Converts elements [start, end).</summary>
    public static void Convert(DType sourceType, nint source, DType targetType, nint target, long start, long end)
    {
        float* tile = stackalloc float[Tile];
        for (; start < end; start += Tile)
        {
            int n = (int)Math.Min(end - start, Tile);
            nint x = source + (nint)(start * sourceType.Size()), y = target + (nint)(start * targetType.Size());
            float* middle = sourceType == DType.F32 ? (float*)x : targetType == DType.F32 ? (float*)y : tile;
            Read(sourceType, x, middle, n);
            Write(targetType, middle, y, n);
        }
    }

    /// <summary>The upper half, rounded to nearest even; NaN stays NaN (quiet) where rounding could carry it to infinity.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x0040)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Truncated and saturated; 0 for NaN.</summary>
    public static byte ToByte(float value) => (byte)Math.Clamp((int)value, 0, 255);

    private static void Read(DType type, nint x, float* y, int n)
    {
        switch (type)
        {
            case DType.BF16: ReadBFloat16((ushort*)x, y, n); break;
            case DType.F16: TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>((void*)x, n), new Span<float>(y, n)); break;
            case DType.I32: ReadInt32((int*)x, y, n); break;
            case DType.U8: ReadByte((byte*)x, y, n); break;
        }
    }

    private static void Write(DType type, float* x, nint y, int n)
    {
        switch (type)
        {
            case DType.BF16: WriteBFloat16(x, (ushort*)y, n); break;
            case DType.F16: TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(x, n), new Span<Half>((void*)y, n)); break;
            case DType.I32: WriteInt32(x, (int*)y, n); break;
            case DType.U8: WriteByte(x, (byte*)y, n); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBFloat16(ushort* x, float* y, int n)
    {
        int i = 0;
        for (; i <= n - 16; i += 16)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(x + i));
            (low << 16).AsSingle().Store(y + i);
            (high << 16).AsSingle().Store(y + i + 8);
        }

        for (; i < n; i++)
            y[i] = BitConverter.UInt32BitsToSingle((uint)x[i] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBFloat16(float* x, ushort* y, int n)
    {
        int i = 0;
        for (; i <= n - 16; i += 16)
            Vector256.Narrow(Upper(Vector256.Load(x + i)), Upper(Vector256.Load(x + i + 8))).Store(y + i);
        for (; i < n; i++)
            y[i] = ToBFloat16(x[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Upper(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> upper = bits >> 16;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >> 16;
        Vector256<uint> isNumber = Vector256.Equals(value, value).AsUInt32();
        return Vector256.ConditionalSelect(isNumber, rounded, upper | Vector256.Create(0x0040u));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadInt32(int* x, float* y, int n)
    {
        int i = 0;
        for (; i <= n - 8; i += 8)
            Vector256.ConvertToSingle(Vector256.Load(x + i)).Store(y + i);
        for (; i < n; i++)
            y[i] = x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteInt32(float* x, int* y, int n)
    {
        int i = 0;
        for (; i <= n - 8; i += 8)
            Vector256.ConvertToInt32(Vector256.Load(x + i)).Store(y + i);
        for (; i < n; i++)
            y[i] = (int)x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadByte(byte* x, float* y, int n)
    {
        int i = 0;
        for (; i <= n - 16; i += 16)
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Load(x + i));
            WidenToSingle(low).Store(y + i);
            WidenToSingle(high).Store(y + i + 8);
        }

        for (; i < n; i++)
            y[i] = x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WidenToSingle(Vector128<ushort> x)
    {
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(x);
        return Vector256.ConvertToSingle(Vector256.Create(low, high).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteByte(float* x, byte* y, int n)
    {
        int i = 0;
        for (; i <= n - 16; i += 16)
        {
            Vector256<uint> low = Saturate(Vector256.Load(x + i)), high = Saturate(Vector256.Load(x + i + 8));
            Vector256<ushort> words = Vector256.Narrow(low, high);
            Vector128.Narrow(words.GetLower(), words.GetUpper()).Store(y + i);
        }

        for (; i < n; i++)
            y[i] = ToByte(x[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Saturate(Vector256<float> x) =>
        Vector256.Min(Vector256.Max(Vector256.ConvertToInt32(x), Vector256<int>.Zero), Vector256.Create(255)).AsUInt32();
}
