using System.Diagnostics;
using Dino.Imaging;

namespace Dino.Tests.Imaging;

/// <summary>Whatever the bytes, a decoder returns a picture or throws an <see cref="ImageException"/>, soon and without much memory.</summary>
public class DecodeFuzzTests
{
    /// <summary>Each decodes in microseconds; seconds for one of them mean a loop that the data does not bound.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly DecodeLimits Limits = new() { MaxPixels = 1_000_000 };

    public static TheoryData<string> SmallFiles
    {
        get
        {
            TheoryData<string> rows = [];
            foreach (string group in DecodeCases.Groups.Where(group => group.EndsWith("_drawn", StringComparison.Ordinal)))
            {
                string[] names =
                [
                    "jpeg_size_7x5.jpg", "jpeg_q5.jpg", "jpeg_420_prog_odd.jpg", "jpeg_restart_1.jpg", "jpeg_restart_prog.jpg", "jpeg_noninterleaved.jpg",
                    "jpeg_sample_mixed.jpg", "jpeg_ycck.jpg", "jpeg_gray_prog.jpg", "jpeg_exif6.jpg",
                    "png_size_2x3_interlaced.png", "png_pal4_trns_interlaced.png", "png_gray1.png", "png_gray16.png", "png_rgb8.png", "png_filter4.png",
                    "png_rgba16_interlaced.png", "png_many_idat.png",
                ];
                foreach (string name in names)
                    rows.Add($"{group}/{name}");
            }

            return rows;
        }
    }

    [Theory, MemberData(nameof(SmallFiles))]
    public void Every_prefix_is_a_picture_or_an_image_error(string id)
    {
        byte[] data = DecodeCases.Bytes(id);
        for (int length = 0; length < data.Length; length++)
            Decode(data.AsSpan(0, length), $"{id}, first {length} bytes");
    }

    [Theory, MemberData(nameof(SmallFiles))]
    public void Random_byte_changes_are_a_picture_or_an_image_error(string id)
    {
        byte[] data = DecodeCases.Bytes(id);
        Random random = new(20241);
        for (int round = 0; round < 2000; round++)
        {
            byte[] damaged = (byte[])data.Clone();
            for (int change = 0; change <= round % 4; change++)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            Decode(damaged, $"{id}, round {round}");
        }
    }

    /// <summary>Checksums would reject nearly every damaged PNG at the door: here they are made right again.</summary>
    [Theory, MemberData(nameof(SmallFiles))]
    public void Damage_behind_valid_checksums_is_a_picture_or_an_image_error(string id)
    {
        if (!id.EndsWith(".png", StringComparison.Ordinal))
            return;
        byte[] data = DecodeCases.Bytes(id);
        Random random = new(7);
        for (int round = 0; round < 500; round++)
        {
            byte[] damaged = (byte[])data.Clone();
            damaged[8 + random.Next(damaged.Length - 8)] = (byte)random.Next(256);
            PngChunkEditor.RepairChecksums(damaged);
            Decode(damaged, $"{id}, round {round}");
        }
    }

    [Fact]
    public void Random_bytes_behind_a_signature_are_an_image_error()
    {
        Random random = new(3);
        byte[][] signatures = [[0xFF, 0xD8, 0xFF], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], []];
        for (int round = 0; round < 3000; round++)
        {
            byte[] data = new byte[random.Next(400)];
            random.NextBytes(data);
            Decode([.. signatures[round % 3], .. data], $"round {round}");
        }
    }

    private static void Decode(ReadOnlySpan<byte> data, string what)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            Image image = ImageFile.Decode(data, Limits);
            Assert.Equal((long)image.Width * image.Height * 3, image.Pixels.Length);
        }
        catch (ImageException error)
        {
            Assert.NotEqual("", error.Message);
        }
        catch (Exception error)
        {
            Assert.Fail($"{what}: {error}");
        }

        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        Assert.True(taken < Patience, $"{what} took {taken}.");
    }
}
