using Dino.Nn;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>First centres by k-means++: rows far from all centres so far are likely; of several candidates the one is taken that brings the rows nearest.</summary>
internal sealed class KMeansSeeding(Device device, Tensor rows, float[] features, double[] squares, KMeansOptions options)
{
    private readonly int _width = features.Length / squares.Length;
    private readonly double[] _nearest = new double[squares.Length];
    private CounterRandom _random = new(new RandomKey(options.Seed, C: RandomPurpose.Clustering));

    /// <returns>[k, D]: rows of the features.</returns>
    public float[] Choose(CancellationToken cancellationToken)
    {
        int candidates = 2 + (int)Math.Log(options.Clusters);
        float[] centres = new float[options.Clusters * _width], products = new float[squares.Length * candidates];
        _nearest.AsSpan().Fill(double.PositiveInfinity);
        int[] chosen = [_random.NextInt(0, squares.Length)];
        for (int cluster = 0; cluster < options.Clusters; cluster++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (cluster > 0)
                chosen = Draw(candidates);
            Span<float> found = products.AsSpan(0, squares.Length * chosen.Length);
            Multiply(chosen, found);
            int best = Best(chosen, found);
            for (int i = 0; i < squares.Length; i++)
                _nearest[i] = Math.Min(_nearest[i], Distance(i, chosen[best], found[(i * chosen.Length) + best]));
            features.AsSpan(chosen[best] * _width, _width).CopyTo(centres.AsSpan(cluster * _width));
        }

        return centres;
    }

    /// <summary>Rows drawn with a probability in proportion to their squared distance from the nearest centre.</summary>
    private int[] Draw(int count)
    {
        double total = 0;
        foreach (double distance in _nearest)
            total += distance;
        int[] drawn = new int[count];
        double[] targets = new double[count];
        for (int c = 0; c < count; c++)
            targets[c] = _random.NextDouble() * total;
        double sum = 0;
        for (int i = 0; i < _nearest.Length; i++)
        {
            sum += _nearest[i];
            for (int c = 0; c < count; c++)
                drawn[c] += sum <= targets[c] ? 1 : 0;
        }

        for (int c = 0; c < count; c++)
            drawn[c] = Math.Min(drawn[c], _nearest.Length - 1);
        return drawn;
    }

    private int Best(int[] chosen, ReadOnlySpan<float> products)
    {
        double[] sums = new double[chosen.Length];
        for (int i = 0; i < squares.Length; i++)
        {
            for (int c = 0; c < chosen.Length; c++)
                sums[c] += Math.Min(_nearest[i], Distance(i, chosen[c], products[(i * chosen.Length) + c]));
        }

        return Array.IndexOf(sums, sums.Min());
    }

    /// <summary>Squared distance from a product in F32, which rounding must not make negative; 0 of a row to itself.</summary>
    private double Distance(int row, int centre, float product) => row == centre ? 0 : Math.Max(0, squares[row] + squares[centre] - (2.0 * product));

    private void Multiply(int[] chosen, Span<float> products)
    {
        float[] points = new float[chosen.Length * _width];
        for (int c = 0; c < chosen.Length; c++)
            features.AsSpan(chosen[c] * _width, _width).CopyTo(points.AsSpan(c * _width));
        using Scope scope = device.OpenScope(GradMode.Off);
        rows.MatMul(scope.Upload(points, [chosen.Length, _width]), transposeOther: true).Read(products);
    }
}
