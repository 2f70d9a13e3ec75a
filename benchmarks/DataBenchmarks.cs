using BenchmarkDotNet.Attributes;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Demo;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Benchmarks;

/// <summary>Decoding a PNG and comparing features by k-NN. A JPEG of your own is decoded too when DINO_BENCH_JPEG names it.</summary>
public class DataBenchmarks : IDisposable
{
    private byte[] _png = [], _jpeg = [];
    private float[] _queries = [];
    private KnnClassifier _knn = null!;

    /// <summary>Draws a picture and 10,000 random features of width 384.</summary>
    [GlobalSetup]
    public void Setup()
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(DrawnPictures.Draw(3, new RandomKey(1), 384), stream);
        _png = stream.ToArray();
        _jpeg = Environment.GetEnvironmentVariable("DINO_BENCH_JPEG") is { } path ? File.ReadAllBytes(path) : _png;
        float[] features = new float[10_000 * 384];
        CounterRandom random = new(new RandomKey(2));
        foreach (ref float value in features.AsSpan())
            value = random.NextSingle() - 0.5f;
        int[] labels = new int[10_000];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = i % 10;
        _knn = new KnnClassifier(CpuDevice.Shared, features, labels);
        _queries = features[..(512 * 384)];
    }

    /// <summary>384 x 384 pixels.</summary>
    [Benchmark]
    public Image DecodePng() => ImageFile.Decode(_png);

    /// <summary>The JPEG that the environment names.</summary>
    [Benchmark]
    public Image DecodeJpeg() => ImageFile.Decode(_jpeg);

    /// <summary>512 queries against 10,000 features.</summary>
    [Benchmark]
    public float[] Knn() => _knn.Scores(_queries);

    /// <summary>Frees the features.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _knn.Dispose();
        GC.SuppressFinalize(this);
    }
}
