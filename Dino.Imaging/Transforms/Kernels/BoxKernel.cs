using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Imaging.Transforms.Kernels;

/// <summary>
/// A box of 2 · Radius + 1 full taps between two taps of lesser weight, in 24-bit fixed point:
/// y[i] = (full · Σ x[i + 1 .. i + 2r + 1] + edge · (x[i] + x[i + 2r + 2]) + 2^23) >> 24, indices in steps of a stride.
/// </summary>
/// <param name="Radius">Number of full taps on each side of the middle.</param>
/// <param name="Full">Weight of a full tap, 2^24 / (length of the box).</param>
/// <param name="Edge">Weight of each outer tap.</param>
internal readonly record struct BoxKernel(int Radius, uint Full, uint Edge)
{
    /// <summary>Bytes that <see cref="Apply"/> may touch behind the last it needs.</summary>
    public const int ReadAhead = 32;

    /// <summary>The box which, applied <paramref name="passes"/> times, has the variance of a Gaussian of standard deviation <paramref name="sigma"/>.</summary>
    public static BoxKernel ForGaussian(float sigma, int passes)
    {
        // Types and order of the reference: variance, length and both parts of the radius are F32, expressions with literals F64.
        float variance = sigma * sigma / passes;
        float length = (float)Math.Sqrt((12.0 * variance) + 1.0);
        float whole = (float)Math.Floor((length - 1.0) / 2.0);
        float part = ((2 * whole) + 1) * ((whole * (whole + 1)) - (3 * variance));
        part /= 6 * (variance - ((whole + 1) * (whole + 1)));
        float radius = whole + part;
        int full = (int)radius;
        uint weight = (uint)((1 << 24) / ((radius * 2) + 1));
        return new BoxKernel(full, weight, ((1u << 24) - ((uint)((full * 2) + 1) * weight)) / 2);
    }

    /// <summary>Computes <paramref name="count"/> values.</summary>
    /// <param name="source">count + (2r + 2) · stride bytes, followed by <see cref="ReadAhead"/> readable ones.</param>
    /// <param name="stride">Distance between taps.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="destination">count bytes, followed by <see cref="ReadAhead"/> - (2r + 2) · stride or more writable ones.</param>
    public void Apply(ReadOnlySpan<byte> source, int stride, int count, Span<byte> destination)
    {
        int last = ((2 * Radius) + 2) * stride, padded = (count + 15) & ~15;
        _ = source[padded + last - 1];
        _ = destination[padded - 1];
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(destination);
        Vector256<int> full = Vector256.Create((int)Full), edge = Vector256.Create((int)Edge), half = Vector256.Create(1 << 23);
        for (int i = 0; i < padded; i += 16)
        {
            Vector256<int> a = Vector256<int>.Zero, b = a;
            for (int t = stride; t < last; t += stride)
            {
                a += Lanes.Load(ref from, i + t);
                b += Lanes.Load(ref from, i + t + 8);
            }

            Vector256<int> outerA = Lanes.Load(ref from, i) + Lanes.Load(ref from, i + last);
            Vector256<int> outerB = Lanes.Load(ref from, i + 8) + Lanes.Load(ref from, i + last + 8);
            // Sums reach 2^32: the shift is unsigned.
            Lanes.Store(((a * full) + (outerA * edge) + half) >>> 24, ref to, i);
            Lanes.Store(((b * full) + (outerB * edge) + half) >>> 24, ref to, i + 8);
        }
    }
}
