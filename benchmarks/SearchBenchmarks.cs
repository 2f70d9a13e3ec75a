using BenchmarkDotNet.Attributes;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Benchmarks;

/// <summary>k-NN and k-means on random unit features of width 384.</summary>
public class SearchBenchmarks : IDisposable
{
    private const int Width = 384;
    private float[] _memory = [], _queries = [];
    private int[] _labels = [];
    private KnnClassifier _knn = null!;

    /// <summary>Classes that vote.</summary>
    [Params(10, 1000)]
    public int Classes { get; set; }

    /// <summary>Draws 50,000 features to search and 10,000 to search for.</summary>
    [GlobalSetup]
    public void Setup()
    {
        CounterRandom random = new(new RandomKey(2));
        (_memory, _queries) = (Features(50_000, ref random), Features(10_000, ref random));
        int[] labels = [.. Enumerable.Range(0, 50_000).Select(i => i % Classes)];
        _labels = labels[..10_000];
        _knn = new KnnClassifier(CpuDevice.Shared, _memory, labels);
    }

    /// <summary>10,000 queries against 50,000 pictures, 20 neighbours.</summary>
    [Benchmark]
    public KnnResult Knn() => _knn.Evaluate(_queries, _labels);

    /// <summary>The first centres and ten assignments of 10,000 rows to a tenth of the classes, 100 at most.</summary>
    [Benchmark]
    public KMeansResult KMeans10() => KMeans.Run(CpuDevice.Shared, _queries, Width, new KMeansOptions { Clusters = Classes / 10, IsSpherical = true, MaxIterations = 10 });

    /// <summary>Frees the features.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _knn.Dispose();
        GC.SuppressFinalize(this);
    }

    private static float[] Features(int count, ref CounterRandom random)
    {
        float[] features = new float[count * Width];
        foreach (ref float value in features.AsSpan())
            value = random.NextSingle() - 0.5f;
        for (int i = 0; i < count; i++)
        {
            Span<float> row = features.AsSpan(i * Width, Width);
            System.Numerics.Tensors.TensorPrimitives.Divide(row, System.Numerics.Tensors.TensorPrimitives.Norm<float>(row), row);
        }

        return features;
    }
}
