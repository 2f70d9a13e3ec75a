namespace Dino.Ssl.Evaluation;

/// <summary>How good rankings of a memory are.</summary>
/// <param name="MeanAveragePrecision">Mean of the average precisions of the queries that have something to find; NaN if none has.</param>
/// <param name="AveragePrecisions">Of each query; NaN where there is nothing to find.</param>
/// <param name="Depths">Ranks down to which precision was measured.</param>
/// <param name="MeanPrecisions">Mean precision down to each depth.</param>
/// <param name="Precisions">Of each query, [queries][depths]; NaN where there is nothing to find.</param>
/// <remarks>
/// The evaluation of revisited Oxford and Paris (Radenovic et al. 2018), as in the official retrieval script: average precision is the area under
/// precision and recall by trapezoids; a depth beyond the last relevant item ends at that item.
/// </remarks>
public sealed record RankingScores(double MeanAveragePrecision, double[] AveragePrecisions, int[] Depths, double[] MeanPrecisions, double[][] Precisions)
{
    /// <summary>Measures rankings.</summary>
    /// <param name="rankings">For each query the items of the memory, best first.</param>
    /// <param name="truths">For each query.</param>
    /// <param name="depths">Ranks from 1 down to which to measure precision.</param>
    /// <exception cref="ArgumentException">Not as many truths as rankings, no depth, or a depth below 1.</exception>
    public static RankingScores Of(IReadOnlyList<int[]> rankings, IReadOnlyList<RankingTruth> truths, params int[] depths)
    {
        if (rankings.Count != truths.Count)
            throw new ArgumentException($"There are {rankings.Count} rankings and {truths.Count} truths.", nameof(truths));
        foreach (int depth in depths)
            ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1, nameof(depths));
        double[] averages = new double[rankings.Count];
        double[][] precisions = new double[rankings.Count][];
        for (int query = 0; query < rankings.Count; query++)
        {
            int[] ranks = Ranks(rankings[query], truths[query]);
            int relevant = truths[query].Relevant.Count;
            averages[query] = relevant == 0 ? double.NaN : AveragePrecision(ranks, relevant);
            precisions[query] = [.. depths.Select(depth => relevant == 0 ? double.NaN : Precision(ranks, depth))];
        }

        return new RankingScores(Mean(averages), averages, depths, [.. depths.Select((_, i) => Mean(precisions.Select(row => row[i])))], precisions);
    }

    /// <summary>Ranks of the relevant items from 0, rising, in the ranking without the ignored ones.</summary>
    private static int[] Ranks(int[] ranking, RankingTruth truth)
    {
        HashSet<int> relevant = [.. truth.Relevant], ignored = [.. truth.Ignored];
        List<int> ranks = [];
        int rank = 0;
        foreach (int item in ranking)
        {
            if (relevant.Contains(item))
                ranks.Add(rank);
            rank += ignored.Contains(item) ? 0 : 1;
        }

        return [.. ranks];
    }

    private static double AveragePrecision(int[] ranks, int relevant)
    {
        double sum = 0;
        for (int i = 0; i < ranks.Length; i++)
        {
            // Before the first item precision is taken to be 1.
            double before = ranks[i] == 0 ? 1 : (double)i / ranks[i], after = (i + 1.0) / (ranks[i] + 1);
            sum += (before + after) / 2;
        }

        return sum / relevant;
    }

    private static double Precision(int[] ranks, int depth)
    {
        if (ranks.Length == 0)
            return 0;
        int down = Math.Min(ranks[^1] + 1, depth);
        return (double)ranks.Count(rank => rank < down) / down;
    }

    private static double Mean(IEnumerable<double> values)
    {
        double[] counted = [.. values.Where(value => !double.IsNaN(value))];
        return counted.Length == 0 ? double.NaN : counted.Average();
    }
}
