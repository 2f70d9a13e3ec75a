using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dino.Imaging.Transforms.Kernels;

/// <summary>Eight bytes as eight 32-bit lanes and back. Callers own the padding that makes whole vectors safe.</summary>
internal static class Lanes
{
    /// <summary>Bytes <paramref name="offset"/> .. + 7, zero-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(ref byte source, int offset)
    {
        Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, offset))).AsByte();
        if (Avx2.IsSupported)
            return Avx2.ConvertToVector256Int32(bytes);
        Vector128<ushort> words = Vector128.WidenLower(bytes);
        return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
    }

    /// <summary>Stores lanes that already lie in 0..255 as 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<int> lanes, ref byte destination, int offset)
    {
        Vector128<byte> bytes;
        if (Avx512F.VL.IsSupported)
        {
            bytes = Avx512F.VL.ConvertToVector128Byte(lanes);
        }
        else
        {
            Vector128<short> words = Vector128.Narrow(lanes.GetLower(), lanes.GetUpper());
            bytes = Vector128.Narrow(words, words).AsByte();
        }

        Unsafe.WriteUnaligned(ref Unsafe.Add(ref destination, offset), bytes.AsUInt64().ToScalar());
    }

    /// <summary>Clamps to 0..255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Clamp(Vector256<int> lanes) => Vector256.Min(Vector256.Max(lanes, Vector256<int>.Zero), Vector256.Create(255));
}
