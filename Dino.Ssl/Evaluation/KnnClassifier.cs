using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>
/// Weighted k-NN on L2-normalised features: each of the k most similar pictures votes for its class with weight exp(similarity / temperature).
/// </summary>
/// <remarks>Wu et al. 2018, section 3.4, as in the official evaluation; works with any number of queries and classes.</remarks>
public sealed class KnnClassifier : IDisposable
{
    /// <summary>Queries compared at a time: bounds memory and feeds the matrix product well.</summary>
    private const int Chunk = 256;

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
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (queries.Length % Width != 0)
            throw new ShapeMismatchException($"k-NN: {queries.Length} query values are not a multiple of the width {Width}.");
        k = Math.Min(k, _labels.Length);
        int count = queries.Length / Width;
        float[] scores = new float[(long)count * _classes];
        float[] similarities = new float[Chunk * k];
        int[] neighbours = new int[Chunk * k];
        for (int start = 0; start < count; start += Chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(Chunk, count - start);
            using Scope scope = _device.OpenScope(GradMode.Off);
            Tensor query = scope.Upload(queries.Slice(start * Width, rows * Width), [rows, Width]);
            Tensor all = query.MatMul(_memory[0], transposeOther: true);
            Tensor values = scope.Empty([rows, k]), indices = scope.Empty([rows, k], DType.I32);
            scope.Backend.TopK(all.View, values.View, indices.View);
            values.Read(similarities.AsSpan(0, rows * k));
            scope.Backend.Download(indices.View, MemoryMarshal.AsBytes(neighbours.AsSpan(0, rows * k)));
            for (int i = 0; i < rows * k; i++)
                scores[((start + (i / k)) * _classes) + _labels[neighbours[i]]] += (float)Math.Exp(similarities[i] / temperature);
        }

        return scores;
    }

    /// <summary>Compares the votes with the truth.</summary>
    /// <param name="queries">[M, D], L2-normalised.</param>
    /// <param name="labels">True class of each query; a class the memory lacks counts as wrong.</param>
    /// <param name="k">Neighbours.</param>
    /// <param name="temperature">0.07 in the official evaluation.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public KnnResult Evaluate(ReadOnlySpan<float> queries, ReadOnlySpan<int> labels, int k = 20, double temperature = 0.07, CancellationToken cancellationToken = default)
    {
        float[] scores = Scores(queries, k, temperature, cancellationToken);
        if (labels.IsEmpty || scores.Length != labels.Length * _classes)
            throw new ArgumentException($"k-NN: {labels.Length} labels for {scores.Length / _classes} queries.", nameof(labels));
        int best = 0, among = 0, depth = Math.Min(5, k);
        for (int i = 0; i < labels.Length; i++)
        {
            int rank = Rank(scores.AsSpan(i * _classes, _classes), labels[i]);
            best += rank == 0 ? 1 : 0;
            among += rank < depth ? 1 : 0;
        }

        return new KnnResult(100.0 * best / labels.Length, 100.0 * among / labels.Length, Math.Min(k, _labels.Length), _labels.Length, labels.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>How many classes are ahead of one; of equal votes the lower class number is ahead.</summary>
    private static int Rank(ReadOnlySpan<float> scores, int label)
    {
        if (label >= scores.Length)
            return int.MaxValue;
        int ahead = 0;
        for (int c = 0; c < scores.Length; c++)
            ahead += scores[c] > scores[label] || (scores[c] == scores[label] && c < label) ? 1 : 0;
        return ahead;
    }
}
