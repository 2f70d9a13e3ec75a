using System.Globalization;
using System.Security;
using System.Text;

namespace Dino.Ssl.Plots;

/// <summary>Lays out a <see cref="LineChart"/> and writes its SVG.</summary>
internal sealed class LineChartSvg
{
    private const double Left = 58, Right = 16, LineHeight = 18, LegendMark = 18;

    // Mean advance of the 12-pixel sans-serif fonts; the legend only needs it to know when to wrap.
    private const double CharacterWidth = 6.6;

    private readonly LineChart _chart;
    private readonly AxisTicks _x, _y;
    private readonly double _left, _right, _top, _bottom, _width;
    private readonly StringBuilder _svg = new();

    public LineChartSvg(LineChart chart)
    {
        _chart = chart;
        foreach (ChartSeries series in chart.Series)
        {
            if (series.X.Count != series.Y.Count)
                throw new ArgumentException($"Chart '{chart.Title}': series '{series.Name}' has {series.X.Count} x values and {series.Y.Count} y values.", nameof(chart));
        }

        IEnumerable<double> heights = chart.Series.SelectMany(series => series.Y).Concat(chart.References.Select(line => line.Value));
        if (chart.Include is double included)
            heights = heights.Append(included);
        (double low, double high) = Range(heights);
        _y = new AxisTicks(low, high, about: 5);
        (_left, _right) = Range(chart.Series.SelectMany(series => series.X));
        _x = new AxisTicks(_left, _right, about: 7);
        _width = chart.Width - Left - Right;
        _top = 34 + (LegendRows().Count * LineHeight);
        _bottom = chart.Height - (chart.XLabel.Length > 0 ? 44 : 26);
    }

    public string Write(bool standalone)
    {
        string name = standalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "";
        Add($"<svg{name} class=\"chart\" viewBox=\"0 0 {_chart.Width} {_chart.Height}\" width=\"{_chart.Width}\" height=\"{_chart.Height}\" role=\"img\" aria-label=\"{Escape(_chart.Title)}\">\n");
        if (standalone)
            Add($"<style>{Escape(ChartStyle.Css)}</style>\n<rect width=\"100%\" height=\"100%\" style=\"fill:var(--paper)\"/>\n");
        Add($"<text class=\"title\" x=\"{Left - 42:0.#}\" y=\"20\">{Escape(_chart.Title)}</text>\n");
        WriteLegend();
        WriteAxes();
        for (int i = 0; i < _chart.Series.Count; i++)
            WriteLine(_chart.Series[i], Colour(i));
        foreach (ReferenceLine line in _chart.References)
            WriteReference(line);
        Add($"</svg>\n");
        return _svg.ToString();
    }

    // The x axis starts and ends with the data: a run of 700 steps should fill the plot, not end at 70 % of a round number.
    private double XOf(double x) => Left + (_width * (_right > _left ? (x - _left) / (_right - _left) : 0.5));

    private double YOf(double y) => _bottom - ((_bottom - _top) * (y - _y.Low) / (_y.High - _y.Low));

    private void WriteAxes()
    {
        foreach (double value in _y.Values)
        {
            double y = YOf(value);
            Add($"<line class=\"grid\" x1=\"{Left:0.#}\" x2=\"{Left + _width:0.#}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/><text x=\"{Left - 8:0.#}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{Escape(_y.Label(value))}</text>\n");
        }

        foreach (double value in _x.Values)
        {
            double x = XOf(value);
            if (x < Left - 0.5 || x > Left + _width + 0.5)
                continue;
            Add($"<line class=\"axis\" x1=\"{x:0.#}\" x2=\"{x:0.#}\" y1=\"{_bottom:0.#}\" y2=\"{_bottom + 4:0.#}\"/><text x=\"{x:0.#}\" y=\"{_bottom + 18:0.#}\" text-anchor=\"middle\">{Escape(_x.Label(value))}</text>\n");
        }

        Add($"<line class=\"axis\" x1=\"{Left:0.#}\" x2=\"{Left + _width:0.#}\" y1=\"{_bottom:0.#}\" y2=\"{_bottom:0.#}\"/>\n");
        if (_chart.XLabel.Length > 0)
            Add($"<text x=\"{Left + (_width / 2):0.#}\" y=\"{_bottom + 36:0.#}\" text-anchor=\"middle\">{Escape(_chart.XLabel)}</text>\n");
    }

    private void WriteLine(ChartSeries series, string colour)
    {
        ChartSeries points = series.Thinned((int)_width);
        StringBuilder path = new();
        bool drawing = false;
        for (int i = 0; i < points.X.Count; i++)
        {
            bool finite = double.IsFinite(points.X[i]) && double.IsFinite(points.Y[i]);
            if (finite)
                path.Append(CultureInfo.InvariantCulture, $"{(drawing ? 'L' : 'M')}{XOf(points.X[i]):0.##} {YOf(points.Y[i]):0.##}");
            drawing = finite;
        }

        if (path.Length > 0)
            Add($"<path class=\"line{(series.Faint ? " faint" : "")}\" style=\"stroke:{colour}\" d=\"{path}\"/>\n");
    }

    private void WriteReference(ReferenceLine line)
    {
        double y = YOf(line.Value);
        // The label keeps inside the plot when the line is at its upper edge.
        double text = y - _top < 16 ? y + 15 : y - 6;
        Add($"<line class=\"reference\" x1=\"{Left:0.#}\" x2=\"{Left + _width:0.#}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/><text class=\"halo\" x=\"{Left + _width - 4:0.#}\" y=\"{text:0.#}\" text-anchor=\"end\">{Escape(line.Label)}</text>\n");
    }

    private void WriteLegend()
    {
        double y = 20;
        foreach (List<int> row in LegendRows())
        {
            y += LineHeight;
            double x = Left;
            foreach (int i in row)
            {
                Add($"<path class=\"line{(_chart.Series[i].Faint ? " faint" : "")}\" style=\"stroke:{Colour(i)}\" d=\"M{x:0.#} {y - 4:0.#}h{LegendMark:0.#}\"/><text x=\"{x + LegendMark + 6:0.#}\" y=\"{y:0.#}\">{Escape(_chart.Series[i].Name)}</text>\n");
                x += LegendWidth(i);
            }
        }
    }

    /// <summary>Series numbers row by row; a single line needs no legend, the title names it.</summary>
    private List<List<int>> LegendRows()
    {
        List<List<int>> rows = [];
        double used = double.PositiveInfinity;
        for (int i = 0; i < _chart.Series.Count && _chart.Series.Count > 1; i++)
        {
            if (used + LegendWidth(i) > _chart.Width - Left)
            {
                rows.Add([]);
                used = 0;
            }

            rows[^1].Add(i);
            used += LegendWidth(i);
        }

        return rows;
    }

    private double LegendWidth(int i) => LegendMark + 22 + (_chart.Series[i].Name.Length * CharacterWidth);

    // A faint series has the colour of the line that smooths it, which bears the same name.
    private string Colour(int i)
    {
        string[] names = [.. _chart.Series.Select(series => series.Name).Distinct()];
        return $"var(--line-{Array.IndexOf(names, _chart.Series[i].Name) % ChartStyle.Colours})";
    }

    private void Add(FormattableString text) => _svg.Append(text.ToString(CultureInfo.InvariantCulture));

    private static string Escape(string text) => SecurityElement.Escape(text);

    private static (double Low, double High) Range(IEnumerable<double> values)
    {
        (double low, double high) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (double value in values.Where(double.IsFinite))
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        return low <= high ? (low, high) : (0, 1);
    }
}
