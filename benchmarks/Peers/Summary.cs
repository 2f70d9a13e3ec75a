namespace Dino.Benchmarks.Peers;

/// <summary>Median, smallest and largest of some numbers.</summary>
internal readonly record struct Summary(double Median, double Min, double Max)
{
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Summary Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("There is no number to summarise.", nameof(values));
        return new((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1]);
    }
}
