using System.Globalization;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>CLS features of a batch of 224-pixel pictures, from pixels in managed memory to features in managed memory.</summary>
internal sealed class ForwardWorkload : IWorkload
{
    private const int Side = 224;
    private readonly Device _device;
    private readonly LoadedModel _model;
    private readonly float[] _pixels, _features;
    private readonly int _batch;

    /// <param name="architecture">Such as vit_small, or vit_base/14 for patches of another size.</param>
    /// <param name="weights">A safetensors file, or "none" for first weights: the time is the same, the features are not comparable.</param>
    /// <param name="format">How weights are packed; F32 is what the dino tool does by default.</param>
    public ForwardWorkload(string architecture, int batch, string device, string weights, WeightFormat format)
    {
        _device = WorkloadDevice.Open(device);
        _model = weights == "none"
            ? ModelFile.Untrained(Options(architecture), _device, format: format)
            : ModelFile.Load(weights, _device, new() { Format = format });
        _batch = batch;
        _pixels = Noise.Of(batch * 3 * Side * Side);
        _features = new float[batch * _model.Backbone.Options.Width];
    }

    public void Run()
    {
        using Scope scope = _device.OpenScope(GradMode.Off);
        _model.Backbone.Forward(scope.Upload(_pixels, [_batch, 3, Side, Side])).Read(_features);
    }

    /// <summary>The first features of the last picture.</summary>
    public double[] Check() => [.. _features.Skip(_features.Length / _batch * (_batch - 1)).Take(8).Select(value => (double)value)];

    private static VisionTransformerOptions Options(string architecture) =>
        architecture.Split('/') is [var name, var patch]
            ? VisionTransformerOptions.ByName(name) with { PatchSize = int.Parse(patch, CultureInfo.InvariantCulture) }
            : VisionTransformerOptions.ByName(architecture);

    public void Dispose()
    {
        _model.Dispose();
        _device.Dispose();
    }
}
