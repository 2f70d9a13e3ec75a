using BenchmarkDotNet.Attributes;
using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Tensors;

namespace Dino.Benchmarks;

/// <summary>All views of one decoded picture on one core: 2 x 224 + 8 x 96 from 500 x 375, and 2 x 32 + 8 x 16 from 32 x 32.</summary>
[MemoryDiagnoser]
public class AugmentationBenchmarks
{
    private Image _image = new(1, 1);
    private ISampleWriter _writer = null!;
    private float[][] _views = [];
    private uint _sample;

    /// <summary>Side of the global views.</summary>
    [Params(224, 32)]
    public int GlobalSize { get; set; }

    /// <summary>Draws a picture with edges, gradients and noise.</summary>
    [GlobalSetup]
    public void Setup()
    {
        bool large = GlobalSize == 224;
        _image = large ? new Image(500, 375) : new Image(32, 32);
        CounterRandom random = new(new RandomKey(1));
        for (int i = 0; i < _image.Pixels.Length; i++)
            _image.Pixels[i] = (byte)(128 + (80 * Math.Sin(i * 0.013)) + random.NextInt(-30, 30));
        MultiCropAugmentation augmentation = new(new MultiCropOptions { GlobalSize = GlobalSize, LocalSize = large ? 96 : 16 });
        _writer = augmentation.CreateWriter();
        _views = [.. augmentation.ViewSizes.Select(size => new float[3 * size * size])];
    }

    /// <summary>One picture; every call makes other random choices.</summary>
    [Benchmark]
    public void Views()
    {
        _sample++;
        for (int view = 0; view < _views.Length; view++)
            _writer.Write(_image, view, new CounterRandom(new RandomKey(0, 0, _sample, (uint)view)), _views[view]);
    }
}
