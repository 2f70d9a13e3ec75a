using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>
/// Weighted k-NN on L2-normalised features: each of the k most similar pictures votes for its class with weight exp(similarity / temperature).
/// </summary>
/// <remarks>Wu et al. 2018, section 3.4, as in the official evaluation; works with any number of queries and classes.</remarks>
public sealed class KnnClassifier : IDisposable
{
    /// <summary>Products between two looks at the cancellation token: a second or two.</summary>
    private const long ChunkWork = 400_000_000_000;

    /// <summary>Elements of queries on the device at a time.</summary>
    private const int ChunkElements = 8 << 20;

    private readonly TensorStore _memory;
    private readonly int[] _labels;
    private readonly int _classes;
    private readonly Device _device;

    /// <summary>Remembers features.</summary>
    /// <param name="device">Where to compare.</param>
    /// <param name="features">[N, D], L2-normalised.</param>
    /// <param name="labels">Class of each, from 0.</param>
    /// <exception cref="ArgumentException">No features, a label below 0, or lengths that do not fit.</exception>
    public KnnClassifier(Device device, ReadOnlySpan<float> features, ReadOnlySpan<int> labels)
    {
        if (labels.IsEmpty || features.Length % labels.Length != 0)
            throw new ArgumentException($"k-NN needs at least one picture and as many labels as features; got {features.Length} values and {labels.Length} labels.");
        foreach (int label in labels)
        {
            if (label < 0)
                throw new ArgumentException("k-NN needs the class of every picture. Put the pictures into one sub-folder per class.");
            _classes = Math.Max(_classes, label + 1);
        }

        (_device, _labels) = (device, labels.ToArray());
        Width = features.Length / labels.Length;
        _memory = new TensorStore(device, [[labels.Length, Width]], withGradients: false);
        device.Backend.Upload(MemoryMarshal.AsBytes(features), _memory[0].View);
    }

    /// <summary>D.</summary>
    public int Width { get; }

    /// <summary>Classes known.</summary>
    public int Classes => _classes;

    /// <summary>Votes for each class.</summary>
    /// <param name="queries">[M, D], L2-normalised.</param>
    /// <param name="k">Neighbours; all of them if there are fewer.</param>
    /// <param name="temperature">0.07 in the official evaluation.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    /// <returns>[M, classes].</returns>
    public float[] Scores(ReadOnlySpan<float> queries, int k = 20, double temperature = 0.07, CancellationToken cancellationToken = default)
    {
        (float[] similarities, int[] neighbours, k) = Neighbours(queries, k, temperature, cancellationToken);
        float[] scores = new float[(long)(similarities.Length / k) * _classes];
        for (int i = 0; i < similarities.Length; i += k)
            Vote(similarities.AsSpan(i, k), neighbours.AsSpan(i, k), temperature, scores.AsSpan(i / k * _classes, _classes));
        return scores;
    }

    /// <summary>Compares the votes with the truth.</summary>
    /// <param name="queries">[M, D], L2-normalised.</param>
    /// <param name="labels">True class of each query; a class the memory lacks counts as wrong.</param>
    /// <param name="k">Neighbours.</param>
    /// <param name="temperature">0.07 in the official evaluation.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public KnnResult Evaluate(ReadOnlySpan<float> queries, ReadOnlySpan<int> labels, int k = 20, double temperature = 0.07, CancellationToken cancellationToken = default) =>
        Evaluate(queries, labels, [k], temperature, cancellationToken)[0];

    /// <summary>Compares the votes with the truth for several numbers of neighbours, which are looked for once.</summary>
    /// <param name="queries">[M, D], L2-normalised.</param>
    /// <param name="labels">True class of each query; a class the memory lacks counts as wrong.</param>
    /// <param name="neighbourCounts">How many neighbours vote, one result for each.</param>
    /// <param name="temperature">0.07 in the official evaluation.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public KnnResult[] Evaluate(ReadOnlySpan<float> queries, ReadOnlySpan<int> labels, IReadOnlyList<int> neighbourCounts, double temperature = 0.07, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(neighbourCounts.Count);
        foreach (int count in neighbourCounts)
            ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(neighbourCounts));
        if (labels.IsEmpty || queries.Length != (long)labels.Length * Width)
            throw new ArgumentException($"k-NN: {labels.Length} labels for {queries.Length / Width} queries.", nameof(labels));
        (float[] similarities, int[] neighbours, int found) = Neighbours(queries, neighbourCounts.Max(), temperature, cancellationToken);
        KnnResult[] results = new KnnResult[neighbourCounts.Count];
        for (int i = 0; i < results.Length; i++)
            results[i] = Evaluate(similarities, neighbours, found, labels, neighbourCounts[i], temperature);
        return results;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>The k most similar pictures of each query, [M, k], and their similarities; k shrinks to the pictures there are.</summary>
    private (float[] Similarities, int[] Indices, int K) Neighbours(ReadOnlySpan<float> queries, int k, double temperature, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (queries.Length % Width != 0)
            throw new ShapeMismatchException($"k-NN: {queries.Length} query values are not a multiple of the width {Width}.");
        k = Math.Min(k, _labels.Length);
        int count = queries.Length / Width;
        float[] similarities = new float[checked(count * k)];
        int[] neighbours = new int[similarities.Length];
        int chunk = (int)Math.Clamp(Math.Min(ChunkWork / _labels.Length, ChunkElements) / Width, 64, Math.Max(count, 64));
        for (int start = 0; start < count; start += chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(chunk, count - start);
            using Scope scope = _device.OpenScope(GradMode.Off);
            Tensor query = scope.Upload(queries.Slice(start * Width, rows * Width), [rows, Width]);
            Tensor values = query.TopProducts(_memory[0], k, out Tensor indices);
            values.Read(similarities.AsSpan(start * k, rows * k));
            scope.Backend.Download(indices.View, MemoryMarshal.AsBytes(neighbours.AsSpan(start * k, rows * k)));
        }

        return (similarities, neighbours, k);
    }

    /// <summary>Lets the first k of the neighbours vote, which come in falling order.</summary>
    private KnnResult Evaluate(float[] similarities, int[] neighbours, int found, ReadOnlySpan<int> labels, int k, double temperature)
    {
        (int depth, int voting) = (Math.Min(5, k), Math.Min(k, found));
        // The votes of one query at a time: those of all, [M, classes], can be many times the neighbours.
        float[] votes = new float[_classes];
        int best = 0, among = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            Array.Clear(votes);
            Vote(similarities.AsSpan(i * found, voting), neighbours.AsSpan(i * found, voting), temperature, votes);
            int rank = ClassRank.Of(votes, labels[i]);
            best += rank == 0 ? 1 : 0;
            among += rank < depth ? 1 : 0;
        }

        return new KnnResult(100.0 * best / labels.Length, 100.0 * among / labels.Length, voting, _labels.Length, labels.Length);
    }

    private void Vote(ReadOnlySpan<float> similarities, ReadOnlySpan<int> neighbours, double temperature, Span<float> votes)
    {
        for (int i = 0; i < neighbours.Length; i++)
            votes[_labels[neighbours[i]]] += (float)Math.Exp(similarities[i] / temperature);
    }
}
