using System.Globalization;
using System.Security;
using System.Text;

namespace Dino.Ssl.Plots;

/// <summary>Writes a <see cref="ScatterPlot"/> as SVG.</summary>
internal static class ScatterSvg
{
    private const string Css = "svg.chart .points use, svg.chart .legend use { stroke: var(--paper); stroke-width: .7; } svg.chart .frame { fill: none; stroke: var(--grid); }";

    public static string Write(ScatterPlot plot)
    {
        ScatterLayout layout = new(plot);
        StringBuilder svg = new();
        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {layout.Width} {layout.Height}\" width=\"{layout.Width}\" height=\"{layout.Height}\" role=\"img\" aria-label=\"{Escape(plot.Title)}\">\n");
        Add($"<style>{Escape(ChartStyle.Css)}\n{Css}</style>\n<rect width=\"100%\" height=\"100%\" style=\"fill:var(--paper)\"/>\n<defs>");
        foreach (Mark mark in Enum.GetValues<Mark>())
            Add($"<path id=\"{Id(mark)}\" d=\"{Outline(mark, layout.Radius)}\"/><path id=\"{Id(mark)}-legend\" d=\"{Outline(mark, 5)}\"/>");
        Add($"</defs>\n<text class=\"title\" x=\"{ScatterLayout.Margin}\" y=\"26\">{Escape(plot.Title)}</text>\n<rect class=\"frame\" x=\"{ScatterLayout.Margin}\" y=\"{ScatterLayout.Top}\" width=\"{layout.PlotWidth}\" height=\"{layout.PlotHeight}\"/>\n<g class=\"points\">\n");
        foreach (int i in layout.DrawingOrder())
        {
            ScatterPoint point = plot.Points[i];
            (double x, double y) = layout.Place(point);
            string group = point.Group >= 0 ? $"{plot.Groups[point.Group]}: " : "";
            Add($"<use href=\"#{Id(GroupStyle.Mark(point.Group))}\" x=\"{x:0.#}\" y=\"{y:0.#}\" fill=\"{GroupStyle.Css(point.Group)}\"><title>{Escape(group + point.Name)}</title></use>\n");
        }

        Add($"</g>\n<g class=\"legend\">\n");
        for (int i = 0; i < plot.Groups.Count; i++)
        {
            (double x, double y) = layout.Legend(i);
            Add($"<use href=\"#{Id(GroupStyle.Mark(i))}-legend\" x=\"{x:0.#}\" y=\"{y:0.#}\" fill=\"{GroupStyle.Css(i)}\"/><text x=\"{x + (2 * ScatterLayout.LegendMark):0.#}\" y=\"{y + 4:0.#}\">{Escape(ScatterLayout.LegendName(plot.Groups[i]))}</text>\n");
        }

        Add($"</g>\n</svg>\n");
        return svg.ToString();
    }

    private static string Id(Mark mark) => mark.ToString().ToLowerInvariant();

    /// <summary>The shapes of <see cref="Canvas"/> as paths around the origin.</summary>
    private static string Outline(Mark mark, double radius) => mark switch
    {
        Mark.Square => Text($"M{-0.88 * radius:0.##} {-0.88 * radius:0.##}h{1.76 * radius:0.##}v{1.76 * radius:0.##}h{-1.76 * radius:0.##}z"),
        Mark.Diamond => Text($"M0 {-1.24 * radius:0.##}L{1.24 * radius:0.##} 0L0 {1.24 * radius:0.##}L{-1.24 * radius:0.##} 0z"),
        Mark.Triangle => Text($"M0 {-1.32 * radius:0.##}L{1.14 * radius:0.##} {0.66 * radius:0.##}H{-1.14 * radius:0.##}z"),
        _ => Text($"M{-radius:0.##} 0a{radius:0.##} {radius:0.##} 0 1 1 {2 * radius:0.##} 0a{radius:0.##} {radius:0.##} 0 1 1 {-2 * radius:0.##} 0z"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Escape(string text) => SecurityElement.Escape(text);
}
