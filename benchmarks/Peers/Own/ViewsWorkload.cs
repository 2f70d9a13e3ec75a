using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>All views, 2 x 224 + 8 x 96, of a batch of decoded pictures of 500 x 375, made by a device from copying the pictures to it on; on a CPU by one core.</summary>
internal sealed class ViewsWorkload : IWorkload
{
    private static readonly MultiCropOptions s_options = new();

    private readonly MultiCropAugmentation _transform = new(s_options);
    private readonly Image[] _pictures;
    private readonly Device _device;
    private readonly ISampleWriter _writer;
    private readonly float[][] _written;
    private readonly Augmentation? _augmentation;
    private readonly PictureBatch? _batch;
    private readonly TensorStore _views;

    public ViewsWorkload(int pictures, string device)
    {
        _device = WorkloadDevice.Open(device);
        _pictures = [.. Enumerable.Range(0, pictures).Select(Draw)];
        _writer = _transform.CreateWriter();
        _augmentation = _device.Backend.CreateAugmentation();
        _written = _augmentation is null ? [.. _transform.ViewSizes.Select(side => new float[pictures * 3 * side * side])] : [];
        Shape[] shapes = [[2 * pictures, 3, s_options.GlobalSize, s_options.GlobalSize], [s_options.LocalCrops * pictures, 3, s_options.LocalSize, s_options.LocalSize]];
        _views = new TensorStore(_device, _augmentation is null ? [] : shapes, withGradients: false);
        if (_augmentation is null)
            return;
        _batch = new PictureBatch(_augmentation, _transform, pictures, long.MaxValue);
        _batch.Clear(pictures);
        for (int row = 0; row < pictures; row++)
            _batch.Add(row, _pictures[row], [.. Enumerable.Range(0, s_options.ViewCount).Select(view => _transform.Decide(_pictures[row].Width, _pictures[row].Height, view, Stream(row, view)))]);
    }

    public void Run()
    {
        if (_augmentation is null)
        {
            for (int row = 0; row < _pictures.Length; row++)
            {
                for (int view = 0; view < _written.Length; view++)
                {
                    int length = _written[view].Length / _pictures.Length;
                    _writer.Write(_pictures[row], view, Stream(row, view), _written[view].AsSpan(row * length, length));
                }
            }

            return;
        }

        _augmentation.Upload(_batch!.Pictures);
        _augmentation.Make(_batch.Crops(0, 2), Format(s_options.GlobalSize), _views[0].View);
        _augmentation.Make(_batch.Crops(2, s_options.LocalCrops), Format(s_options.LocalSize), _views[1].View);
        _device.Backend.Synchronize();
    }

    /// <summary>The mean of all global views, and of all local ones: the views are the same to the bit.</summary>
    public double[] Check() => _augmentation is null
        ? [_written[..2].Average(Mean), _written[2..].Average(Mean)]
        : [Mean(_views[0].ToArray()), Mean(_views[1].ToArray())];

    public void Dispose()
    {
        _augmentation?.Dispose();
        _batch?.Dispose();
        _views.Dispose();
        _device.Dispose();
    }

    private static CropFormat Format(int side) => new(side, CropFilter.Bicubic, s_options.Normalization.Mean, s_options.Normalization.StandardDeviation);

    private static double Mean(float[] values) => values.Average(value => (double)value);

    private static CounterRandom Stream(int row, int view) => new(new RandomKey(0, 0, (uint)row, (uint)view));

    private static Image Draw(int seed)
    {
        Image image = new(500, 375);
        float[] noise = Noise.Of(image.Pixels.Length, (uint)seed << 20);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(128 + (80 * Math.Sin(i * 0.013)) + (30 * noise[i]));
        return image;
    }
}
