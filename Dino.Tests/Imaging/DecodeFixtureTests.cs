using System.Text.Json;
using Dino.Imaging;
using Dino.Imaging.Png;

namespace Dino.Tests.Imaging;

/// <summary>Every golden picture file against Pillow 9.4 with libjpeg-turbo 2.1.5.</summary>
public class DecodeFixtureTests
{
    public static TheoryData<string> Files => DecodeCases.All();

    [FixtureTheory, MemberData(nameof(Files))]
    public void File_meets_its_expectation(string id)
    {
        JsonElement description = DecodeCases.Describe(id);
        string path = DecodeCases.PathOf(id);
        switch (description.GetProperty("expect").GetString())
        {
            case "decode":
                AssertPixels(id, ImageFile.Decode(path), description);
                break;
            case "decode_or_unsupported":
                // Bmp and friends are refused, and so is arithmetic coding; what is decoded must be right.
                try
                {
                    AssertPixels(id, ImageFile.Decode(path), description);
                }
                catch (UnsupportedImageException error)
                {
                    Assert.Contains("support", error.Message, StringComparison.Ordinal);
                }

                break;
            case "error":
                ImageException refused = Assert.ThrowsAny<ImageException>(() => ImageFile.Decode(path));
                Assert.Contains(Path.GetFileName(path), refused.Message, StringComparison.Ordinal);
                break;
            case "any_no_crash":
                try
                {
                    ImageFile.Decode(path);
                }
                catch (ImageException)
                {
                }

                break;
            case var other:
                Assert.Fail($"{id} expects '{other}', which this test does not know.");
                break;
        }
    }

    [Fact]
    public void Grey_of_16_bits_can_keep_its_high_byte()
    {
        PngDecoder decoder = new() { ScaleGray16 = true };
        foreach (string group in DecodeCases.Groups)
        {
            foreach (string name in new[] { "png_gray16.png", "png_gray16_interlaced.png" })
            {
                Image image = decoder.Decode(DecodeCases.Bytes($"{group}/{name}"), DecodeLimits.Default);
                Assert.Equal(DecodeCases.Expected(group, name + ":highbyte")!.Value.Pixels, image.Pixels);
            }
        }
    }

    [Fact]
    public void Errors_say_which_kind_they_are()
    {
        foreach (string group in DecodeCases.Groups)
        {
            foreach (string name in new[] { "bomb_png_100000x100000.png", "bomb_png_overflow.png", "bomb_jpeg_65500.jpg" })
                Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(DecodeCases.PathOf($"{group}/{name}")));
            foreach (string name in new[] { "jpeg_arithmetic.jpg", "other.bmp", "other.gif", "other.tif", "other.webp", "corrupt_text.jpg" })
                Assert.Throws<UnsupportedImageException>(() => ImageFile.Decode(DecodeCases.PathOf($"{group}/{name}")));
            foreach (string name in new[] { "corrupt_jpeg_truncated_half.jpg", "corrupt_png_truncated.png", "corrupt_png_bad_crc_idat.png", "corrupt_png_bad_zlib.png", "corrupt_zero.jpg" })
                Assert.Throws<CorruptImageException>(() => ImageFile.Decode(DecodeCases.PathOf($"{group}/{name}")));
        }
    }

    /// <summary>The fixtures allow JPEG decoders a difference; this one claims to be exact, so exact is what is tested.</summary>
    private static void AssertPixels(string id, Image image, JsonElement description)
    {
        (string group, string file) = DecodeCases.Split(id);
        string key = description.TryGetProperty("accept_any_of", out JsonElement keys) ? keys[0].GetString()! : file;
        (int height, int width, byte[] pixels) = DecodeCases.Expected(group, key) ?? throw new InvalidDataException($"{id}: no expected pixels under {key}.");
        Assert.Equal((width, height), (image.Width, image.Height));
        int at = pixels.AsSpan().CommonPrefixLength(image.Pixels);
        if (at < pixels.Length)
            Assert.Fail($"{id}: row {at / 3 / width}, column {at / 3 % width}, channel {at % 3} is {image.Pixels[at]}, expected {pixels[at]}; {pixels.Zip(image.Pixels, (a, b) => a != b ? 1 : 0).Sum()} of {pixels.Length} differ, most by {pixels.Zip(image.Pixels, (a, b) => Math.Abs(a - b)).Max()}.");
    }
}
