using Dino.Tensors;

namespace Dino.Ssl.Plots;

/// <summary>Where everything of a <see cref="ScatterPlot"/> stands, in units of its side.</summary>
internal sealed class ScatterLayout
{
    /// <summary>Around everything, and of a line of the legend.</summary>
    public const int Margin = 16, LegendLine = 20, LegendMark = 8;

    /// <summary>Below the title.</summary>
    public const int Top = 40;

    private const int LegendCharacters = 24;

    /// <summary>Free around the points.</summary>
    private const int Rim = 24;

    /// <summary>The shorter side of the frame is no less than this share of the longer one.</summary>
    private const double LeastShare = 0.4;

    private readonly ScatterPlot _plot;
    private readonly double _left, _top, _scale;

    public ScatterLayout(ScatterPlot plot)
    {
        if (plot.Points.Count == 0)
            throw new ArgumentException($"Plot '{plot.Title}' has no points.", nameof(plot));
        foreach (ScatterPoint point in plot.Points)
        {
            if (!double.IsFinite(point.X) || !double.IsFinite(point.Y))
                throw new ArgumentException($"Plot '{plot.Title}': the place of '{point.Name}' is not finite.", nameof(plot));
            if (point.Group >= plot.Groups.Count)
                throw new ArgumentException($"Plot '{plot.Title}': '{point.Name}' is in group {point.Group} of {plot.Groups.Count}.", nameof(plot));
        }

        _plot = plot;
        (double left, double right, double top, double bottom) = (plot.Points.Min(p => p.X), plot.Points.Max(p => p.X), plot.Points.Min(p => p.Y), plot.Points.Max(p => p.Y));
        double extent = Math.Max(right - left, bottom - top);
        (PlotWidth, PlotHeight) = (SideOf(right - left), SideOf(bottom - top));
        _scale = extent > 0 ? (plot.Side - (2 * Rim)) / extent : 0;
        (_left, _top) = (Margin + (PlotWidth / 2.0) - (_scale * (left + right) / 2), Top + (PlotHeight / 2.0) - (_scale * (top + bottom) / 2));
        LegendRows = Math.Max(1, (PlotHeight - Margin) / LegendLine);
        LegendWidth = plot.Groups.Count == 0 ? 0 : 30 + (int)(6.6 * Math.Min(LegendCharacters, plot.Groups.Max(name => name.Length)));

        // The longer extent fills the side.
        int SideOf(double length) => (int)(plot.Side * (extent > 0 ? Math.Max(LeastShare, length / extent) : 1));
    }

    /// <summary>Width of the frame.</summary>
    public int PlotWidth { get; }

    /// <summary>Height of the frame.</summary>
    public int PlotHeight { get; }

    public int Width => (2 * Margin) + PlotWidth + ((_plot.Groups.Count + LegendRows - 1) / LegendRows * LegendWidth);

    public int Height => Top + PlotHeight + Margin;

    /// <summary>Radius of a mark: a tenth of the plot is covered, within bounds.</summary>
    public double Radius => Math.Clamp(Math.Sqrt(0.1 * PlotWidth * PlotHeight / (Math.PI * _plot.Points.Count)), 1.6, 6);

    /// <summary>Groups in a column of the legend.</summary>
    private int LegendRows { get; }

    private int LegendWidth { get; }

    public (double X, double Y) Place(ScatterPoint point) => (_left + (_scale * point.X), _top + (_scale * point.Y));

    /// <summary>A shuffled order, the same at every time.</summary>
    public int[] DrawingOrder()
    {
        int[] order = [.. Enumerable.Range(0, _plot.Points.Count)];
        new CounterRandom(new RandomKey(0)).Shuffle(order.AsSpan());
        return order;
    }

    /// <summary>The mark of a group in the legend; its name follows <see cref="LegendMark"/> · 2 further right.</summary>
    public (double X, double Y) Legend(int group) => ((1.5 * Margin) + PlotWidth + LegendMark + (group / LegendRows * LegendWidth), Top + 12 + (group % LegendRows * LegendLine));

    public static string LegendName(string name) => name.Length <= LegendCharacters ? name : $"{name[..(LegendCharacters - 2)]}..";
}
