using System.Text;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Plots;

/// <summary>A chart of lines over a common x axis, written as SVG.</summary>
public sealed record LineChart
{
    /// <summary>Heading above the plot.</summary>
    public required string Title { get; init; }

    /// <summary>The lines, drawn in this order.</summary>
    public required IReadOnlyList<ChartSeries> Series { get; init; }

    /// <summary>Dashed horizontal lines; the y axis reaches far enough to show them.</summary>
    public IReadOnlyList<ReferenceLine> References { get; init; } = [];

    /// <summary>Text below the x axis; none if empty.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>A value that the y axis must include, such as 0; none if null.</summary>
    public double? Include { get; init; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; init; } = 560;

    /// <summary>Height in pixels.</summary>
    public int Height { get; init; } = 300;

    /// <summary>Writes the chart as an SVG file.</summary>
    /// <exception cref="ArgumentException">A series has fewer x than y values or the reverse.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToSvg())));

    /// <summary>The chart as an SVG element.</summary>
    /// <param name="standalone">
    /// True for a file of its own: colours for light and dark come with it. False inside a page that brings <see cref="ChartStyle.Css"/>.
    /// </param>
    /// <exception cref="ArgumentException">A series has fewer x than y values or the reverse.</exception>
    public string ToSvg(bool standalone = true) => new LineChartSvg(this).Write(standalone);
}
