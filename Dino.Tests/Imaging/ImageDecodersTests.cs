using Dino.Imaging;

namespace Dino.Tests.Imaging;

/// <summary>Decoders can be added, come first, and are found by content.</summary>
public class ImageDecodersTests
{
    [Fact]
    public void A_registered_decoder_reads_its_format()
    {
        OnePixel decoder = new();
        Assert.Throws<UnsupportedImageException>(() => ImageFile.Decode("DINO-ONE"u8));
        ImageDecoders.Register(decoder);
        try
        {
            Assert.Same(decoder, ImageDecoders.All[0]);
            Assert.Equal([1, 2, 3], ImageFile.Decode("DINO-ONE"u8).Pixels);
        }
        finally
        {
            Assert.True(ImageDecoders.Unregister(decoder));
        }

        Assert.DoesNotContain(decoder, ImageDecoders.All);
        Assert.Throws<UnsupportedImageException>(() => ImageFile.Decode("DINO-ONE"u8));
    }

    [Fact]
    public void Image_checks_its_sides()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Image(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Image(1 << 20, 1 << 20));
        Assert.Throws<ArgumentException>(() => new Image(2, 2, new byte[11]));
        Image image = new(2, 2);
        image.Row(1)[0] = 9;
        Assert.Equal(9, image.Pixels[6]);
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Row(2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Row(-1).Length);
    }

    private sealed class OnePixel : IImageDecoder
    {
        public bool CanDecode(ReadOnlySpan<byte> header) => header.StartsWith("DINO-ONE"u8);

        public Image Decode(ReadOnlySpan<byte> data, DecodeLimits limits) => new(1, 1, [1, 2, 3]);
    }
}
