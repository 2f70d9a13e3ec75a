using Dino.Tensors;

namespace Dino.Nn;

/// <summary>
/// The residual network of torchvision: a convolution and a pool, four stages of residual units, and the mean over the last map. Pictures of any size;
/// channels last inside.
/// </summary>
/// <remarks>He et al. 2016; parameter names and arithmetic of torchvision. In training batch norm uses the statistics of the batch.</remarks>
public sealed class ResNet : Backbone
{
    private readonly NormedConvolution _stem;
    private readonly ResidualUnit[][] _stages;

    /// <summary>A residual network.</summary>
    /// <param name="scope">Where its parameters are declared.</param>
    /// <param name="options">Architecture.</param>
    public ResNet(ParameterScope scope, ResNetOptions options)
        : base(scope)
    {
        options.Validate();
        Options = options;
        _stem = new NormedConvolution(scope / "conv1", scope / "bn1", options.Channels, options.Stem, kernel: 7, stride: 2);
        _stages = new ResidualUnit[4][];
        int channels = options.Stem;
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            int planes = options.Planes << stage;
            _stages[stage] = new ResidualUnit[options.Depths[stage]];
            for (int i = 0; i < _stages[stage].Length; i++)
            {
                _stages[stage][i] = new ResidualUnit(scope / $"layer{stage + 1}" / i, channels, planes, options.Bottleneck, stage > 0 && i == 0 ? 2 : 1);
                channels = options.Bottleneck ? 4 * planes : planes;
            }
        }

        Classifier = options.Classes > 0 ? new Linear(scope / "fc", options.Width, options.Classes, weights: Initializer.FanIn(options.Width)) : null;
    }

    /// <inheritdoc/>
    public override ResNetOptions Options { get; }

    /// <summary>The feature of each picture: the mean over the last map. A classifier is not applied: see <see cref="Backbone.Classify"/>.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, Width].</returns>
    public override Tensor Forward(Tensor x)
    {
        Tensor map = Run(x, default);
        Tensor feature = map.Mean([1, 2]);
        map.Release();
        return feature;
    }

    /// <summary>The last map.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, H / 32, W / 32, Width], rounded up, channels last.</returns>
    public Tensor FeatureMap(Tensor x) => Run(x, default);

    /// <summary>The maps after each of the four stages.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, H / 4, W / 4, C] to [B, H / 32, W / 32, Width], rounded up, channels last.</returns>
    public Tensor[] StageMaps(Tensor x)
    {
        Tensor[] maps = new Tensor[_stages.Length];
        Run(x, maps);
        return maps;
    }

    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="maps">Takes the map of each stage, if it has room.</param>
    private Tensor Run(Tensor x, Span<Tensor> maps)
    {
        RequirePictures(x);
        Tensor pictures = x.Permute(0, 2, 3, 1);
        Tensor first = _stem.Forward(pictures);
        pictures.Release();
        Tensor map = first.MaxPool2D(kernel: 3, stride: 2, padding: 1);
        first.Release();
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            foreach (ResidualUnit unit in _stages[stage])
            {
                Tensor next = unit.Forward(map);
                if (maps.IsEmpty || stage == 0 || map != maps[stage - 1])
                    map.Release();
                map = next;
            }

            if (!maps.IsEmpty)
                maps[stage] = map;
        }

        return map;
    }
}
