using Dino.Imaging;
using Dino.Imaging.Transforms;

namespace Dino.Tests.Imaging;

/// <summary>The vectorised hue shift against Pillow's formulas in their own types, over every colour there is.</summary>
public sealed class HueKernelTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(23)]
    [InlineData(101)]
    [InlineData(230)]
    public void Hue_shift_equals_the_scalar_formulas_for_all_colours(int shift)
    {
        // One picture per red value holds all 65536 pairs of green and blue.
        PlanarImage image = new();
        for (int red = 0; red < 256; red++)
        {
            image.Reset(256, 256);
            image.Plane(0).Fill((byte)red);
            for (int i = 0; i < 65536; i++)
                (image.Plane(1)[i], image.Plane(2)[i]) = ((byte)(i >> 8), (byte)i);
            // Half a byte more than the shift survives the truncation in either sign.
            ColorTransforms.Hue(image, (shift < 128 ? shift + 0.5 : shift - 256.5) / 255);
            Span<byte> r = image.Plane(0), g = image.Plane(1), b = image.Plane(2);
            for (int i = 0; i < 65536; i++)
            {
                (byte R, byte G, byte B) expected = Shifted((byte)red, (byte)(i >> 8), (byte)i, shift);
                if (expected != (r[i], g[i], b[i]))
                    Assert.Fail($"({red}, {i >> 8}, {i & 255}) shifted by {shift} is ({r[i]}, {g[i]}, {b[i]}), expected {expected}.");
            }
        }
    }

    /// <summary>Pillow's Convert.c in C#: F32 variables, F64 wherever a literal widens the expression.</summary>
    private static (byte R, byte G, byte B) Shifted(byte r, byte g, byte b, int shift)
    {
        int max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
        byte hue = 0, saturation = 0;
        if (max != min)
        {
            float range = max - min;
            float s = range / max;
            float rc = (max - r) / range, gc = (max - g) / range, bc = (max - b) / range;
            float h = r == max ? bc - gc : g == max ? (float)(2.0 + rc - bc) : (float)(4.0 + gc - rc);
            h = (float)(((h / 6.0) + 1.0) % 1.0);
            hue = (byte)Math.Clamp((int)(h * 255.0), 0, 255);
            saturation = (byte)Math.Clamp((int)(s * 255.0), 0, 255);
        }

        hue = (byte)(hue + shift);
        if (saturation == 0)
            return ((byte)max, (byte)max, (byte)max);
        int sector = (int)Math.Floor(hue * 6.0 / 255.0);
        float f = (float)((hue * 6.0 / 255.0) - sector), fs = (float)(saturation / 255.0);
        byte v = (byte)max, p = Round(max * (1.0 - fs)), q = Round(max * (1.0 - (fs * f))), t = Round(max * (1.0 - (fs * (1.0 - f))));
        return (sector % 6) switch { 0 => (v, t, p), 1 => (q, v, p), 2 => (p, v, t), 3 => (p, q, v), 4 => (t, p, v), _ => (v, p, q) };

        static byte Round(double x) => (byte)Math.Clamp((int)Math.Round(x, MidpointRounding.AwayFromZero), 0, 255);
    }
}
