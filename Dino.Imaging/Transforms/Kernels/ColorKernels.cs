using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Imaging.Transforms.Kernels;

/// <summary>Colour arithmetic on whole padded planes: lengths are multiples of 32, so there are no rests. Exact on every path.</summary>
internal static class ColorKernels
{
    /// <summary>v = trunc(base + factor · (v - base)), clamped, in F32 with a rounding after each operation.</summary>
    public static void BlendWith(Span<byte> values, int towards, float factor)
    {
        ref byte first = ref MemoryMarshal.GetReference(values);
        Vector256<float> origin = Vector256.Create((float)towards), scale = Vector256.Create(factor);
        for (int i = 0; i < values.Length; i += 16)
        {
            Lanes.Store(Blend(origin, Lanes.Load(ref first, i), scale), ref first, i);
            Lanes.Store(Blend(origin, Lanes.Load(ref first, i + 8), scale), ref first, i + 8);
        }
    }

    /// <summary>Each channel = trunc(gray + factor · (channel - gray)), clamped.</summary>
    public static void BlendWithGray(PlanarImage image, float factor)
    {
        int stride = image.PlaneStride;
        ref byte first = ref MemoryMarshal.GetReference(image.Padded);
        Vector256<float> scale = Vector256.Create(factor);
        for (int i = 0; i < stride; i += 8)
        {
            Vector256<int> red = Lanes.Load(ref first, i), green = Lanes.Load(ref first, i + stride), blue = Lanes.Load(ref first, i + (2 * stride));
            Vector256<float> gray = Vector256.ConvertToSingle(Luma(red, green, blue));
            Lanes.Store(Blend(gray, red, scale), ref first, i);
            Lanes.Store(Blend(gray, green, scale), ref first, i + stride);
            Lanes.Store(Blend(gray, blue, scale), ref first, i + (2 * stride));
        }
    }

    /// <summary>All channels = luma.</summary>
    public static void Gray(PlanarImage image)
    {
        int stride = image.PlaneStride;
        ref byte first = ref MemoryMarshal.GetReference(image.Padded);
        for (int i = 0; i < stride; i += 8)
        {
            Vector256<int> gray = Luma(Lanes.Load(ref first, i), Lanes.Load(ref first, i + stride), Lanes.Load(ref first, i + (2 * stride)));
            Lanes.Store(gray, ref first, i);
            Lanes.Store(gray, ref first, i + stride);
            Lanes.Store(gray, ref first, i + (2 * stride));
        }
    }

    /// <summary>Sum of the luma of all pixels.</summary>
    public static long GraySum(PlanarImage image)
    {
        int stride = image.PlaneStride, count = image.Width * image.Height, whole = count & ~7, i = 0;
        ref byte first = ref MemoryMarshal.GetReference(image.Padded);
        long sum = 0;
        while (i < whole)
        {
            // 2^20 pixels of at most 255 in 8 lanes stay far below 2^31.
            int end = Math.Min(whole, i + (1 << 20));
            Vector256<int> lanes = Vector256<int>.Zero;
            for (; i < end; i += 8)
                lanes += Luma(Lanes.Load(ref first, i), Lanes.Load(ref first, i + stride), Lanes.Load(ref first, i + (2 * stride)));
            sum += Vector256.Sum(lanes);
        }

        ReadOnlySpan<byte> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        for (; i < count; i++)
            sum += ((19595 * red[i]) + (38470 * green[i]) + (7471 * blue[i]) + 32768) >> 16;
        return sum;
    }

    /// <summary>v = v ≥ threshold ? 255 - v : v.</summary>
    public static void Solarize(Span<byte> values, byte threshold)
    {
        ref byte first = ref MemoryMarshal.GetReference(values);
        Vector256<byte> limit = Vector256.Create(threshold);
        for (nuint i = 0; i < (nuint)values.Length; i += 32)
        {
            Vector256<byte> v = Vector256.LoadUnsafe(ref first, i);
            (v ^ Vector256.GreaterThanOrEqual(v, limit)).StoreUnsafe(ref first, i);
        }
    }

    // The weights 0.299, 0.587 and 0.114 times 2^16; they add up to exactly 2^16.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Luma(Vector256<int> red, Vector256<int> green, Vector256<int> blue) =>
        ((red * 19595) + (green * 38470) + (blue * 7471) + Vector256.Create(32768)) >> 16;

    // Between 0 and 1 the clamp never acts; beyond 1 it is the reference's own. Conversion truncates.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(Vector256<float> towards, Vector256<int> value, Vector256<float> factor)
    {
        Vector256<float> blended = towards + (factor * (Vector256.ConvertToSingle(value) - towards));
        return Vector256.ConvertToInt32Native(Vector256.Min(Vector256.Max(blended, Vector256<float>.Zero), Vector256.Create(255f)));
    }
}
