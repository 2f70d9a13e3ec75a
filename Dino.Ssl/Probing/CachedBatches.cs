using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;

namespace Dino.Ssl.Probing;

/// <summary>Features computed once, in a new order every epoch.</summary>
internal sealed class CachedBatches : IProbeBatches
{
    private readonly FeatureSet _set;
    private readonly EpochOrder _order;
    private readonly int _batchSize;
    private readonly float[] _features;
    private readonly int[] _labels;
    private long _next;
    private int _count;

    public CachedBatches(FeatureSet set, LinearProbeOptions options)
    {
        (_set, _batchSize) = (set, Math.Min(options.BatchSize, set.Count));
        _order = new EpochOrder(set.Count, options.Seed, shuffle: true);
        (_features, _labels) = (new float[_batchSize * set.Width], new int[_batchSize]);
    }

    public int PerEpoch => (int)(((long)_set.Count + _batchSize - 1) / _batchSize);

    public IReadOnlyCollection<SkippedPicture> Skipped => _set.Skipped;

    public ReadOnlySpan<float> Features => _features.AsSpan(0, _count * _set.Width);

    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, _count);

    public void Start(int epoch, int batch, int endEpoch) => _next = ((long)epoch * PerEpoch) + batch;

    public void Next(CancellationToken cancellationToken)
    {
        (int epoch, int batch) = ((int)(_next / PerEpoch), (int)(_next % PerEpoch));
        ReadOnlySpan<int> order = _order.Of(epoch)[(batch * _batchSize)..];
        _count = Math.Min(_batchSize, order.Length);
        int width = _set.Width;
        for (int row = 0; row < _count; row++)
        {
            _set.Values.AsSpan(order[row] * width, width).CopyTo(_features.AsSpan(row * width));
            _labels[row] = _set.Labels[order[row]];
        }

        _next++;
    }

    public void Dispose()
    {
    }
}
