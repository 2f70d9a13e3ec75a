namespace Dino.Ssl.Projection;

/// <summary>The probabilities of t-SNE: how likely two points are neighbours, where each has as many as the perplexity says.</summary>
/// <remarks>Van der Maaten and Hinton 2008, sections 2 and 3.1, as in scikit-learn; the widths are found more exactly than there.</remarks>
internal static class JointProbabilities
{
    private const int MaxSteps = 200;

    /// <summary>Difference of entropies at which the search ends.</summary>
    private const double Tolerance = 1e-10;

    /// <returns>Probabilities that sum to 1 over both directions of every pair.</returns>
    public static AffinityGraph Of(NearestRows neighbours, double perplexity, ParallelOptions parallel)
    {
        int k = neighbours.Count;
        double[] conditional = new double[neighbours.Squares.Length];
        Parallel.For(0, neighbours.Rows, parallel, i => Conditional(neighbours.Squares.AsSpan(i * k, k), Math.Log(perplexity), conditional.AsSpan(i * k, k)));
        double divisor = 2.0 * neighbours.Rows;
        return AffinityGraph.Symmetric(neighbours, conditional, (own, other) => (own + other) / divisor);
    }

    /// <summary>p(j | i) ∝ exp(-β d²) with the β that gives the wanted entropy, by bisection.</summary>
    private static void Conditional(ReadOnlySpan<double> squares, double wanted, Span<double> probabilities)
    {
        double beta = 1, low = 0, high = double.PositiveInfinity;
        for (int step = 0; step < MaxSteps; step++)
        {
            double excess = Entropy(squares, beta, probabilities) - wanted;
            if (Math.Abs(excess) <= Tolerance)
                return;
            (low, high) = excess > 0 ? (beta, high) : (low, beta);
            beta = double.IsInfinity(high) ? 2 * beta : (low + high) / 2;
        }
    }

    private static double Entropy(ReadOnlySpan<double> squares, double beta, Span<double> probabilities)
    {
        double sum = 0, weighted = 0;
        for (int j = 0; j < squares.Length; j++)
        {
            // Distances beyond the nearest one: the exponential of it cannot vanish, so the sum is at least 1.
            double beyond = squares[j] - squares[0], value = Math.Exp(-beta * beyond);
            probabilities[j] = value;
            sum += value;
            weighted += value * beyond;
        }

        for (int j = 0; j < probabilities.Length; j++)
            probabilities[j] /= sum;
        return Math.Log(sum) + (beta * weighted / sum);
    }
}
