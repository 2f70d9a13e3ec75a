using System.IO.Compression;
using Dino.Imaging;

namespace Dino.Tests.Imaging;

/// <summary>Sizes are refused before they are allocated, and small data cannot ask for much.</summary>
public class DecodeLimitTests
{
    private static readonly string Group = DecodeCases.Groups.First();

    [Theory]
    [InlineData("jpeg_420_base.jpg", 96 * 72)]
    [InlineData("jpeg_420_prog.jpg", 96 * 72)]
    [InlineData("png_rgb8.png", 37 * 29)]
    public void Pixel_limit_is_inclusive(string name, int pixels)
    {
        byte[] data = DecodeCases.Bytes($"{Group}/{name}");
        ImageFile.Decode(data, new DecodeLimits { MaxPixels = pixels });
        ImageTooLargeException error = Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(data, new DecodeLimits { MaxPixels = pixels - 1 }));
        Assert.Contains("MaxPixels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Byte_limit_holds_for_bytes_streams_and_files()
    {
        string path = DecodeCases.PathOf($"{Group}/jpeg_420_base.jpg");
        byte[] data = File.ReadAllBytes(path);
        DecodeLimits fits = new() { MaxBytes = data.Length }, small = new() { MaxBytes = data.Length - 1 };
        byte[] pixels = ImageFile.Decode(data, fits).Pixels;
        Assert.Equal(pixels, ImageFile.Decode(path, fits).Pixels);
        Assert.Equal(pixels, ImageFile.Decode(new MemoryStream(data), fits).Pixels);
        Assert.Equal(pixels, ImageFile.Decode(new ForwardOnly(data), fits).Pixels);
        Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(data, small));
        Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(path, small));
        Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(new MemoryStream(data), small));
        Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(new ForwardOnly(data), small));
    }

    [Fact]
    public void Scan_limit_is_inclusive()
    {
        byte[] data = DecodeCases.Bytes($"{Group}/jpeg_420_prog.jpg");
        // Pillow's progressive script for three components has ten scans.
        ImageFile.Decode(data, new DecodeLimits { MaxScans = 10 });
        Assert.Throws<ImageTooLargeException>(() => ImageFile.Decode(data, new DecodeLimits { MaxScans = 9 }));
    }

    [Fact]
    public void Limits_must_be_positive()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Decode(new byte[4], new DecodeLimits { MaxPixels = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Decode(new byte[4], new DecodeLimits { MaxBytes = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Decode(new byte[4], new DecodeLimits { MaxScans = 0 }));
    }

    [Fact]
    public void Headers_that_their_data_cannot_fill_allocate_nothing()
    {
        // 64 million pixels, within the limits, with a few hundred bytes of data.
        byte[] jpeg = DecodeCases.Bytes($"{Group}/jpeg_size_7x5.jpg");
        int frame = jpeg.AsSpan().IndexOf(new byte[] { 0xFF, 0xC0 });
        (jpeg[frame + 5], jpeg[frame + 6], jpeg[frame + 7], jpeg[frame + 8]) = (0x1F, 0x40, 0x1F, 0x40);
        byte[] png = PngChunkEditor.File(8000, 8000, Deflate(new byte[1000]));
        foreach (byte[] data in new[] { jpeg, png })
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            CorruptImageException error = Assert.Throws<CorruptImageException>(() => ImageFile.Decode(data));
            Assert.Contains("cannot hold", error.Message, StringComparison.Ordinal);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        }
    }

    [Fact]
    public void Surplus_compressed_data_is_never_expanded()
    {
        // One pixel is declared; the stream behind it would expand to 64 MB.
        byte[] bomb = PngChunkEditor.File(1, 1, Deflate(new byte[64 << 20]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Image image = ImageFile.Decode(bomb);
        Assert.Equal((1, 1), (image.Width, image.Height));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    private static byte[] Deflate(byte[] content)
    {
        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.Optimal))
            stream.Write(content);
        return compressed.ToArray();
    }

    /// <summary>A stream that knows neither length nor position and returns a few bytes at a time.</summary>
    private sealed class ForwardOnly(byte[] data) : MemoryStream(data)
    {
        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 100));
    }
}
