namespace Dino.Ssl.Projection;

/// <summary>UMAP's fuzzy graph of neighbours: how certainly two points belong together, each by its own scale of distances.</summary>
/// <remarks>McInnes et al. 2018, algorithms 2 and 3.</remarks>
internal static class FuzzyGraph
{
    private const int MaxSteps = 64;
    private const double Tolerance = 1e-5;

    /// <summary>Scales below this share of the mean distance would cut a point off.</summary>
    private const double LeastScale = 1e-3;

    public static AffinityGraph Of(NearestRows neighbours, ParallelOptions parallel)
    {
        int k = neighbours.Count;
        double[] distances = [.. neighbours.Squares.Select(Math.Sqrt)], weights = new double[distances.Length];
        double mean = distances.Average();
        Parallel.For(0, neighbours.Rows, parallel, i => Weigh(distances.AsSpan(i * k, k), mean, weights.AsSpan(i * k, k)));
        // The probability that at least one of two independent edges exists.
        return AffinityGraph.Symmetric(neighbours, weights, static (own, other) => own + other - (own * other));
    }

    /// <summary>exp(-(d - nearest) / scale), with the scale that makes the sum log₂ of the neighbours, the point itself among them.</summary>
    private static void Weigh(ReadOnlySpan<double> distances, double meanOfAll, Span<double> weights)
    {
        double nearest = 0, sum = 0;
        foreach (double distance in distances)
        {
            nearest = nearest == 0 ? distance : nearest;
            sum += distance;
        }

        double wanted = Math.Log2(distances.Length + 1), scale = 1, low = 0, high = double.PositiveInfinity;
        for (int step = 0; step < MaxSteps; step++)
        {
            double excess = Sum(distances, nearest, scale, weights) - wanted;
            if (Math.Abs(excess) < Tolerance)
                break;
            (low, high) = excess > 0 ? (low, scale) : (scale, high);
            scale = double.IsInfinity(high) ? 2 * scale : (low + high) / 2;
        }

        double least = LeastScale * (nearest > 0 ? sum / (distances.Length + 1) : meanOfAll);
        if (scale < least)
            Sum(distances, nearest, least, weights);
    }

    private static double Sum(ReadOnlySpan<double> distances, double nearest, double scale, Span<double> weights)
    {
        double sum = 0;
        for (int j = 0; j < distances.Length; j++)
            sum += weights[j] = distances[j] > nearest ? Math.Exp(-(distances[j] - nearest) / scale) : 1;
        return sum;
    }
}
