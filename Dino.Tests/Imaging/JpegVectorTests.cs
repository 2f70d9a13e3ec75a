using System.Runtime.Intrinsics.X86;
using Dino.Imaging.Jpeg;

namespace Dino.Tests.Imaging;

/// <summary>The vector code is the scalar code, bit for bit, also on values that only damaged files hold.</summary>
public class JpegVectorTests
{
    [Theory]
    [InlineData(20)]
    [InlineData(200)]
    [InlineData(2000)]
    [InlineData(32767)]
    public void Transform_agrees_with_scalar(int range)
    {
        if (!Avx2.IsSupported)
            return;
        Random random = new(range);
        short[] block = new short[64], steps = new short[64];
        byte[] scalar = new byte[7 * 11 + 8], vector = new byte[scalar.Length];
        for (int round = 0; round < 5000; round++)
        {
            // Few and many coefficients, blocks of a first row only, small and large steps.
            int filled = round % 3 == 0 ? 64 : round % 3 == 1 ? 8 : random.Next(64);
            for (int i = 0; i < 64; i++)
            {
                int at = JpegBlock.FromNatural[i];
                block[at] = (short)(i < filled ? random.Next(-range, range + 1) : 0);
                steps[at] = (short)random.Next(1, round % 2 == 0 ? 4 : 256);
            }

            JpegIdct.TransformScalar(block, steps, scalar, 11);
            JpegIdctAvx2.Transform(block, steps, vector, 11);
            Assert.Equal(scalar, vector);
        }
    }

    [Fact]
    public void Colours_agree_with_scalar_for_every_chroma_pair()
    {
        // Every (Cb, Cr) with lumas that clip on both sides, at a width that is no multiple of the vector.
        byte[] y = new byte[256 + 7], cb = new byte[y.Length], cr = new byte[y.Length];
        byte[] scalar = new byte[y.Length * 3], vector = new byte[y.Length * 3];
        for (int red = 0; red < 256; red++)
        {
            for (int i = 0; i < y.Length; i++)
                (y[i], cb[i], cr[i]) = ((byte)(i * 89 + red * 7), (byte)i, (byte)red);
            JpegColor.YCbCrToRgbScalar(y, cb, cr, scalar);
            JpegColor.YCbCrToRgb(y, cb, cr, vector);
            Assert.Equal(scalar, vector);
        }
    }

    [Fact]
    public void Block_order_holds_every_coefficient_once()
    {
        Assert.Equal(Enumerable.Range(0, 64), JpegBlock.FromNatural.Select(at => (int)at).Order());
        Assert.Equal(Enumerable.Range(0, 64), JpegBlock.FromZigzag.Take(64).Select(at => (int)at).Order());
        // T.81 figure A.6: the zigzag starts (0,0) (0,1) (1,0) (2,0) (1,1) (0,2) and ends (7,6) (7,7).
        int[] natural = [0, 1, 8, 16, 9, 2];
        Assert.Equal(natural.Select(at => JpegBlock.FromNatural[at]), JpegBlock.FromZigzag.Take(6));
        Assert.Equal([JpegBlock.FromNatural[62], JpegBlock.FromNatural[63]], JpegBlock.FromZigzag[62..64]);
    }
}
