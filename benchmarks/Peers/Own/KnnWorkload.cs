using System.Runtime.InteropServices;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>20-NN accuracy of 10,000 queries among 50,000 features, remembering the features included.</summary>
internal sealed class KnnWorkload : IWorkload
{
    private readonly CpuDevice _device;
    private readonly float[] _features, _queries;
    private readonly int[] _labels, _truth;
    private double _accuracy;

    /// <param name="folder">Where <see cref="KnnData"/> put its files.</param>
    public KnnWorkload(string folder, int threads)
    {
        _device = new CpuDevice(threads);
        _features = Load<float>(folder, "features.f32");
        _labels = Load<int>(folder, "features.i32");
        _queries = Load<float>(folder, "queries.f32");
        _truth = Load<int>(folder, "queries.i32");
    }

    public void Run()
    {
        using KnnClassifier classifier = new(_device, _features, _labels);
        _accuracy = classifier.Evaluate(_queries, _truth).Top1;
    }

    /// <summary>Accuracy in percent.</summary>
    public double[] Check() => [_accuracy];

    public void Dispose() => _device.Dispose();

    private static T[] Load<T>(string folder, string name)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(File.ReadAllBytes(Path.Combine(folder, name))).ToArray();
}
