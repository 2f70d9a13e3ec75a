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

    /// <summary>The running mean of this series over a window centred on each point, so that it does not lag; narrower towards the ends.</summary>
    /// <param name="window">Number of points in the window, at least 1. Values that are not finite do not count.</param>
    public ChartSeries Smoothed(int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        double[] sums = new double[Y.Count + 1];
        int[] counts = new int[Y.Count + 1];
        for (int i = 0; i < Y.Count; i++)
        {
            bool finite = double.IsFinite(Y[i]);
            (sums[i + 1], counts[i + 1]) = (sums[i] + (finite ? Y[i] : 0), counts[i] + (finite ? 1 : 0));
        }

        double[] smooth = new double[Y.Count];
        for (int i = 0; i < smooth.Length; i++)
        {
            // The same reach on both sides where possible: a window cut on one side bends the ends of a slope. An eighth of the
            // window stays on the inner side, or the last points would be as noisy as the values themselves.
            int reach = Math.Min(window / 2, Math.Max(window / 8, Math.Min(i, smooth.Length - 1 - i)));
            int start = Math.Max(0, i - reach), end = Math.Min(smooth.Length, i + reach + 1);
            smooth[i] = counts[end] > counts[start] ? (sums[end] - sums[start]) / (counts[end] - counts[start]) : double.NaN;
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
