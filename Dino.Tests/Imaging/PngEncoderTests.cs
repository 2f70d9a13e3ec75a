using System.IO.Compression;
using Dino.Imaging;
using Dino.Imaging.Png;

namespace Dino.Tests.Imaging;

/// <summary>What the encoder writes, the decoder reads back unchanged.</summary>
public class PngEncoderTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(64, 48)]
    [InlineData(301, 17)]
    public void Rgb_round_trips(int width, int height)
    {
        Image image = Picture(width, height);
        foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>())
        {
            using MemoryStream stream = new();
            PngEncoder.Encode(image, stream, level);
            Image back = ImageFile.Decode(stream.ToArray());
            Assert.Equal((width, height), (back.Width, back.Height));
            Assert.Equal(image.Pixels, back.Pixels);
        }
    }

    [Fact]
    public void Grey_round_trips_as_three_equal_channels()
    {
        byte[] gray = [.. Enumerable.Range(0, 19 * 11).Select(i => (byte)(i * 37))];
        using MemoryStream stream = new();
        PngEncoder.EncodeGray(gray, 19, 11, stream);
        Image back = ImageFile.Decode(stream.ToArray());
        Assert.Equal(gray.SelectMany(value => new[] { value, value, value }), back.Pixels);
        Assert.Throws<ArgumentException>(() => PngEncoder.EncodeGray(gray, 19, 12, stream));
    }

    [Fact]
    public void Save_replaces_a_file()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            File.WriteAllBytes(path, new byte[100_000]);
            Image image = Picture(20, 10);
            PngEncoder.Save(image, path);
            Assert.Equal(image.Pixels, ImageFile.Decode(path).Pixels);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Filters_undo_what_they_apply(int distance)
    {
        Random random = new(distance);
        foreach (int length in new[] { 1, 2, 3, 5, 8, 31, 32, 33, 100 })
        {
            byte[] row = new byte[length], above = new byte[length], filtered = new byte[length];
            random.NextBytes(row);
            random.NextBytes(above);
            for (int filter = 0; filter <= 4; filter++)
            {
                PngFilter.Apply(filter, row, above, distance, filtered);
                Assert.True(PngFilter.Undo(filter, filtered, above, distance));
                Assert.Equal(row, filtered);
            }
        }

        Assert.False(PngFilter.Undo(5, new byte[4], new byte[4], distance));
    }

    [Fact]
    public void Paeth_predictor_is_the_nearest_neighbour()
    {
        // All triples with steps of 3: every order of the three values and every tie.
        for (int left = 0; left < 256; left += 3)
        {
            for (int above = 0; above < 256; above += 3)
            {
                for (int corner = 0; corner < 256; corner++)
                {
                    int estimate = left + above - corner;
                    (int toLeft, int toAbove, int toCorner) = (Math.Abs(estimate - left), Math.Abs(estimate - above), Math.Abs(estimate - corner));
                    int nearest = toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
                    Assert.Equal(nearest, PngFilter.Predict(left, above, corner));
                }
            }
        }
    }

    [Fact]
    public void Checksum_agrees_with_the_published_check_value()
    {
        Assert.Equal(0xCBF43926u, PngCrc.Append(0, "123456789"u8));
        Assert.Equal(0xCBF43926u, PngCrc.Append(PngCrc.Append(0, "1234"u8), "56789"u8));
    }

    private static Image Picture(int width, int height)
    {
        Image image = new(width, height);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)((i % 3 * 40) + (i / 3 % width) + (i / 3 / width * 2) + (i * i % 11));
        return image;
    }
}
