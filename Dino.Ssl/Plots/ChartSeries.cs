namespace Dino.Ssl.Plots;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Text in the legend.</param>
/// <param name="X">Abscissae, ascending.</param>
/// <param name="Y">Ordinates, as many as <paramref name="X"/>. Values that are not finite interrupt the line.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>Drawn thin and pale, for the noisy values behind a smoothed line.</summary>
    public bool Faint { get; init; }

    /// <summary>A series over 0, 1, 2, ...</summary>
    public static ChartSeries OfValues(string name, IReadOnlyList<double> values) => new(name, [.. Enumerable.Range(0, values.Count).Select(i => (double)i)], values);

    /// <summary>The exponential running mean of this series, without the bias towards the first value.</summary>
    /// <param name="window">Number of points that carry about two thirds of the weight.</param>
    public ChartSeries Smoothed(double window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        double decay = 1 - (1 / window), sum = 0, weight = 0;
        double[] smooth = new double[Y.Count];
        for (int i = 0; i < smooth.Length; i++)
        {
            if (double.IsFinite(Y[i]))
                (sum, weight) = ((decay * sum) + Y[i], (decay * weight) + 1);
            smooth[i] = double.IsFinite(Y[i]) ? sum / weight : double.NaN;
        }

        return this with { Y = smooth, Faint = false };
    }

    /// <summary>
    /// The same line for a plot that is <paramref name="columns"/> pixels wide: of each pixel's points only the lowest and the
    /// highest stay, so peaks survive and a log of a million steps gives a small file.
    /// </summary>
    internal ChartSeries Thinned(int columns)
    {
        if (X.Count <= 4 * columns)
            return this;
        List<double> x = [], y = [];
        for (int column = 0; column < columns; column++)
        {
            int start = (int)((long)X.Count * column / columns), end = (int)((long)X.Count * (column + 1) / columns);
            int low = start, high = start;
            for (int i = start; i < end; i++)
            {
                // A gap in the line must stay one, so it wins over both.
                if (!double.IsFinite(Y[i]))
                {
                    low = high = i;
                    break;
                }

                low = Y[i] < Y[low] ? i : low;
                high = Y[i] > Y[high] ? i : high;
            }

            foreach (int i in low == high ? [low] : (int[])[Math.Min(low, high), Math.Max(low, high)])
            {
                x.Add(X[i]);
                y.Add(Y[i]);
            }
        }

        return this with { X = x, Y = y };
    }
}
