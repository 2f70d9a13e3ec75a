using Dino.Nn;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Probing;

/// <summary>
/// Linear classifiers that learn from rows of features, any number at once: heads that see the same columns are one wide layer, and the loss is the sum
/// of theirs, so that each learns as if it were alone.
/// </summary>
/// <remarks>
/// The official eval_linear of DINO for one head, the grid of DINOv2 for many: SGD with momentum, no weight decay, weights from N(0, 0.01), biases from 0.
/// With SGD a learning rate is a factor of the gradient: heads of other rates share one optimizer by the weight of their losses.
/// </remarks>
public sealed class LinearProbe : IDisposable
{
    private const float FirstDeviation = 0.01f;
    private const int Unknown = -1;

    private readonly ProbeLayout _layout;
    private readonly Group[] _groups;
    private readonly Sgd _optimizer;
    private readonly float[] _losses;
    private readonly double _fastest;
    private int[] _labels = [];

    /// <summary>Heads with first weights.</summary>
    /// <param name="device">Where they live.</param>
    /// <param name="classes">C.</param>
    /// <param name="width">Width of a token of the network, D.</param>
    /// <param name="heads">What to train.</param>
    /// <param name="momentum">Of the optimizer.</param>
    /// <param name="seed">Seed of the first weights.</param>
    /// <exception cref="ArgumentException">No head, or fewer than two classes.</exception>
    public LinearProbe(Device device, int classes, int width, IReadOnlyList<LinearHead> heads, double momentum = 0.9, ulong seed = 0)
    {
        if (heads.Count == 0)
            throw new ArgumentException("A linear probe needs a head at least.", nameof(heads));
        if (classes < 2)
            throw new ArgumentException($"A classifier needs two classes at least, there are {classes}. Put the pictures into one sub-folder per class.", nameof(classes));
        (Heads, Classes, _layout) = ([.. heads], classes, ProbeLayout.Of(width, heads));
        _fastest = heads.Max(head => head.LearningRate);
        ILookup<(int, int), int> byColumns = Enumerable.Range(0, heads.Count).ToLookup(i => _layout.ColumnsOf(heads[i]));
        _groups = [.. byColumns.Select((group, number) => new Group(Store.Root / "groups" / number, this, group.Key, [.. group]))];
        Store.Allocate(device, seed);
        _optimizer = new Sgd(Store, (float)momentum);
        _losses = new float[heads.Count];
    }

    /// <summary>The heads, in the order of all results.</summary>
    public IReadOnlyList<LinearHead> Heads { get; }

    /// <summary>C.</summary>
    public int Classes { get; }

    /// <summary>Length of a row of features: CLS tokens of the last blocks, oldest first, then the mean patch token if a head sees it.</summary>
    public int FeatureWidth => _layout.Columns;

    /// <summary>Mean cross-entropy of each head on the batch of the last <see cref="Step"/>, before its update.</summary>
    public ReadOnlySpan<float> Losses => _losses;

    internal ParameterStore Store { get; } = new();

    internal Optimizer Optimizer => _optimizer;

    /// <summary>Learns from a batch. Warm, it allocates no managed memory.</summary>
    /// <param name="features">[B, <see cref="FeatureWidth"/>].</param>
    /// <param name="labels">Class of each row, 0 to C - 1.</param>
    /// <param name="rate">Factor of the heads' learning rates: of the schedule, times B / 256.</param>
    /// <exception cref="NonFiniteProbeException">The loss of every head is NaN or infinite. Nothing was updated.</exception>
    public void Step(ReadOnlySpan<float> features, ReadOnlySpan<int> labels, double rate)
    {
        RequireRows(features, labels);
        using Scope scope = Store.Device.OpenScope();
        Tensor rows = scope.Upload(features, [labels.Length, FeatureWidth]), total = default;
        foreach (Group group in _groups)
        {
            Tensor losses = group.Losses(group.Logits(rows), Repeated(labels, group.Count)).Mean([0]);
            losses.Read(group.Buffer(group.Count));
            for (int i = 0; i < group.Count; i++)
                _losses[group.Heads[i]] = group.Buffer(group.Count)[i];
            Tensor weighted = (losses * scope.Upload<float>(group.Weights, [group.Count])).Sum();
            total = total.Exists ? total + weighted : weighted;
        }

        if (!HasFinite(_losses))
            throw new NonFiniteProbeException(_losses[0], _fastest * rate);
        Store.ClearGradients();
        scope.Backward(total);
        _optimizer.Step(_fastest * rate, weightDecay: 0);
    }

    /// <summary>Compares what the heads say with the truth.</summary>
    /// <param name="features">[N, <see cref="FeatureWidth"/>].</param>
    /// <param name="labels">Class of each row; what is not 0 to C - 1 is a class that nobody learned, and counts as wrong.</param>
    /// <param name="batch">Rows at a time.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>One score for each head.</returns>
    public LinearScore[] Evaluate(ReadOnlySpan<float> features, ReadOnlySpan<int> labels, int batch = 256, CancellationToken cancellationToken = default)
    {
        RequireRows(features, labels);
        Tally[] tallies = new Tally[Heads.Count];
        for (int start = 0; start < labels.Length; start += batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(batch, labels.Length - start);
            using Scope scope = Store.Device.OpenScope(GradMode.Off);
            Tensor x = scope.Upload(features.Slice(start * FeatureWidth, rows * FeatureWidth), [rows, FeatureWidth]);
            foreach (Group group in _groups)
                group.Evaluate(x, labels.Slice(start, rows), tallies);
        }

        int count = labels.Length;
        return Array.ConvertAll(tallies, tally => tally.Score(count));
    }

    /// <summary>What one head has learned.</summary>
    /// <param name="head">Index into <see cref="Heads"/>.</param>
    /// <returns>Weight [C, columns of the head], row-major, and bias [C].</returns>
    public (float[] Weight, float[] Bias) WeightsOf(int head)
    {
        Group group = _groups.First(group => group.Heads.Contains(head));
        int place = Array.IndexOf(group.Heads, head), columns = group.Layer.Weight.Shape[1];
        float[] weight = group.Layer.Weight.Tensor.ToArray(), bias = group.Layer.Bias!.Tensor.ToArray();
        return (weight.AsSpan(place * Classes * columns, Classes * columns).ToArray(), bias.AsSpan(place * Classes, Classes).ToArray());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        Store.Dispose();
    }

    private void RequireRows(ReadOnlySpan<float> features, ReadOnlySpan<int> labels)
    {
        if (labels.IsEmpty || features.Length != (long)labels.Length * FeatureWidth)
            throw new ShapeMismatchException($"A linear probe takes rows of {FeatureWidth} features: {features.Length} values are not {labels.Length} of them.");
    }

    /// <summary>The label of each row once for each head of a group; -1 for classes that are not known.</summary>
    private ReadOnlySpan<int> Repeated(ReadOnlySpan<int> labels, int times)
    {
        if (_labels.Length < labels.Length * times)
            _labels = new int[labels.Length * times];
        for (int i = 0; i < labels.Length; i++)
            _labels.AsSpan(i * times, times).Fill((uint)labels[i] < (uint)Classes ? labels[i] : Unknown);
        return _labels.AsSpan(0, labels.Length * times);
    }

    private static bool HasFinite(ReadOnlySpan<float> losses)
    {
        foreach (float loss in losses)
        {
            if (float.IsFinite(loss))
                return true;
        }

        return false;
    }

    private record struct Tally(long First, long AmongFive, double Loss, long Known)
    {
        public readonly LinearScore Score(int count) => new(100.0 * First / count, 100.0 * AmongFive / count, Known > 0 ? Loss / Known : double.NaN);
    }

    /// <summary>Heads that see the same columns.</summary>
    private sealed class Group
    {
        private readonly LinearProbe _probe;
        private readonly (int Start, int End) _columns;
        private float[] _buffer = [];

        public Group(ParameterScope scope, LinearProbe probe, (int Start, int End) columns, int[] heads)
        {
            (_probe, _columns, Heads) = (probe, columns, heads);
            Layer = new Linear(scope, columns.End - columns.Start, heads.Length * probe.Classes, weights: Initializer.Normal(FirstDeviation));
            Weights = [.. heads.Select(head => (float)(probe.Heads[head].LearningRate / probe._fastest))];
        }

        /// <summary>Rows of head 0, then those of head 1, ...</summary>
        public Linear Layer { get; }

        /// <summary>Their indices in the probe.</summary>
        public int[] Heads { get; }

        public int Count => Heads.Length;

        /// <summary>Of each head's loss in the sum.</summary>
        public float[] Weights { get; }

        /// <summary>[B · heads, C] for rows [B, all columns].</summary>
        public Tensor Logits(Tensor rows) => Layer.Forward(rows.Slice(1, _columns.Start, _columns.End)).Reshape(rows.Shape[0] * Count, _probe.Classes);

        /// <summary>[B, heads].</summary>
        public Tensor Losses(Tensor logits, ReadOnlySpan<int> labels) =>
            logits.CrossEntropy(labels, ignore: Unknown, reduction: Reduction.None).Reshape(labels.Length / Count, Count);

        public void Evaluate(Tensor rows, ReadOnlySpan<int> labels, Tally[] tallies)
        {
            int count = Count, classes = _probe.Classes;
            Tensor logits = Logits(rows);
            Span<float> losses = Buffer(labels.Length * count);
            Losses(logits, _probe.Repeated(labels, count)).Read(losses);
            for (int i = 0; i < losses.Length; i++)
            {
                if ((uint)labels[i / count] < (uint)classes)
                    Add(ref tallies[Heads[i % count]], losses[i]);
            }

            Span<float> scores = Buffer(labels.Length * count * classes);
            logits.Read(scores);
            for (int i = 0; i < labels.Length * count; i++)
            {
                int rank = ClassRank.Of(scores.Slice(i * classes, classes), labels[i / count]);
                ref Tally tally = ref tallies[Heads[i % count]];
                tally.First += rank == 0 ? 1 : 0;
                tally.AmongFive += rank < 5 ? 1 : 0;
            }

            static void Add(ref Tally tally, float loss)
            {
                tally.Loss += loss;
                tally.Known++;
            }
        }

        public Span<float> Buffer(int length)
        {
            if (_buffer.Length < length)
                _buffer = new float[length];
            return _buffer.AsSpan(0, length);
        }
    }
}
