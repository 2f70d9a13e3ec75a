using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>All pictures of a folder, one after another on one core: decoded, made ready for evaluation, or decoded and augmented.</summary>
internal sealed class PictureWorkload : IWorkload
{
    private readonly byte[][] _files;
    private readonly Image[] _decoded;
    private readonly string _job;
    private readonly ISampleWriter _writer;
    private readonly float[][] _views;
    private uint _repetition;

    /// <param name="job">decode, evaluate or augment.</param>
    public PictureWorkload(string job, string folder)
    {
        _job = job;
        _files = [.. Directory.GetFiles(folder, "*.jpg").Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        _decoded = [.. _files.Select(file => ImageFile.Decode(file))];
        ISampleTransform transform = job == "augment" ? new MultiCropAugmentation(new MultiCropOptions()) : new EvaluationTransform(new Preprocessing());
        _writer = transform.CreateWriter();
        _views = [.. transform.ViewSizes.Select(size => new float[3 * size * size])];
    }

    public void Run()
    {
        _repetition++;
        for (int i = 0; i < _files.Length; i++)
        {
            if (_job != "evaluate")
                _decoded[i] = ImageFile.Decode(_files[i]);
            if (_job == "decode")
                continue;
            for (int view = 0; view < _views.Length; view++)
                _writer.Write(_decoded[i], view, new CounterRandom(new RandomKey(0, _repetition, (uint)i, (uint)view)), _views[view]);
        }
    }

    /// <summary>The mean of all decoded values, the mean of all views, or the number of values in the views of a picture.</summary>
    public double[] Check() => _job switch
    {
        "decode" => [_decoded.Average(image => image.Pixels.Average(value => (double)value))],
        "evaluate" => [MeanOfViews()],
        _ => [_views.Sum(view => view.Length)],
    };

    public void Dispose()
    {
    }

    private double MeanOfViews()
    {
        double mean = 0;
        foreach (Image image in _decoded)
        {
            _writer.Write(image, 0, default, _views[0]);
            mean += _views[0].Average(value => (double)value) / _decoded.Length;
        }

        return mean;
    }
}
