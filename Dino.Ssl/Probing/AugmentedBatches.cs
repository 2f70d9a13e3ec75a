using Dino.Ssl.Data;
using Dino.Ssl.Embedding;

namespace Dino.Ssl.Probing;

/// <summary>The official protocol: a new random crop of every picture in every epoch, through the whole network.</summary>
internal sealed class AugmentedBatches : IProbeBatches
{
    /// <summary>Decoded pictures are kept up to this many bytes: small ones are then decoded once, not in every epoch.</summary>
    private const long CacheBytes = 512L << 20;

    private readonly FeatureExtractor _extractor;
    private readonly BatchLoader _loader;
    private readonly float[] _features;
    private SampleBatch? _batch;

    public AugmentedBatches(FeatureExtractor extractor, ImageFolder folder, Preprocessing preprocessing, LinearProbeOptions options, Action<SkippedPicture>? onSkipped)
    {
        if (preprocessing.Channels != 3)
            throw new ArgumentException($"Random crops have three channels, this network takes {preprocessing.Channels}. Learn from centre crops: --cached.");
        _extractor = extractor;
        ViewOptions crop = ViewOptions.CropAndFlip(preprocessing.Size) with { Filter = options.CropFilter };
        _loader = new BatchLoader(folder, new MultiCropAugmentation([crop], preprocessing.Normalization), new BatchLoaderOptions
        {
            BatchSize = options.BatchSize,
            Seed = options.Seed,
            DropLast = false,
            CacheBytes = CacheBytes,
            OnSkipped = onSkipped,
        });
        _features = new float[Math.Min(options.BatchSize, folder.Count) * extractor.Width];
    }

    public int PerEpoch => _loader.BatchesPerEpoch;

    public IReadOnlyCollection<SkippedPicture> Skipped => _loader.Skipped;

    public ReadOnlySpan<float> Features => _features.AsSpan(0, (_batch?.Count ?? 0) * _extractor.Width);

    public ReadOnlySpan<int> Labels => _batch is { } batch ? batch.Labels : [];

    public void Start(int epoch, int batch, int endEpoch) => _loader.Start(epoch, batch, endEpoch);

    public void Next(CancellationToken cancellationToken)
    {
        SampleBatch batch = _loader.Next(cancellationToken) ?? throw new InvalidOperationException("The loader ended before the run.");
        int side = batch.ViewSizes[0];
        _extractor.Extract(batch.View(0), [batch.Count, 3, side, side], _features.AsSpan(0, batch.Count * _extractor.Width));
        _batch = batch;
    }

    public void Dispose() => _loader.Dispose();
}
