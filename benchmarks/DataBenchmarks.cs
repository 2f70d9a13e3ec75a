using BenchmarkDotNet.Attributes;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Demo;
using Dino.Tensors;

namespace Dino.Benchmarks;

/// <summary>Decoding a PNG. A JPEG of your own is decoded too when DINO_BENCH_JPEG names it.</summary>
public class DataBenchmarks
{
    private byte[] _png = [], _jpeg = [];

    /// <summary>Draws a picture.</summary>
    [GlobalSetup]
    public void Setup()
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(DrawnPictures.Draw(3, new RandomKey(1), 384), stream);
        _png = stream.ToArray();
        _jpeg = Environment.GetEnvironmentVariable("DINO_BENCH_JPEG") is { } path ? File.ReadAllBytes(path) : _png;
    }

    /// <summary>384 x 384 pixels.</summary>
    [Benchmark]
    public Image DecodePng() => ImageFile.Decode(_png);

    /// <summary>The JPEG that the environment names.</summary>
    [Benchmark]
    public Image DecodeJpeg() => ImageFile.Decode(_jpeg);
}
