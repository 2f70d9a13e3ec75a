using System.Globalization;
using System.Xml.Linq;
using Dino.Ssl.Plots;

namespace Dino.Tests.Ssl.Plots;

public sealed class ChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void A_chart_is_well_formed_and_shows_all_its_parts()
    {
        LineChart chart = new()
        {
            Title = "Loss < ln K & \"more\"",
            Series = [ChartSeries.OfValues("student", [3, 2, 1]), ChartSeries.OfValues("teacher", [2, 1.5, 1])],
            References = [new ReferenceLine("ln K", 4.85)],
            XLabel = "step",
        };
        XElement root = XElement.Parse(chart.ToSvg());
        string[] texts = [.. root.Descendants(Svg + "text").Select(text => text.Value)];
        Assert.Equal(chart.Title, texts[0]);
        Assert.Subset(texts.ToHashSet(), new HashSet<string> { "student", "teacher", "ln K", "step" });
        // Two lines and their two marks in the legend.
        Assert.Equal(4, root.Descendants(Svg + "path").Count());
        Assert.Contains(root.Descendants(Svg + "line"), line => line.Attribute("class")!.Value == "reference");
    }

    [Theory]
    [InlineData(new double[] { })]
    [InlineData(new[] { 1.0 })]
    [InlineData(new[] { 0.0, 0, 0 })]
    [InlineData(new[] { double.NaN, double.PositiveInfinity })]
    [InlineData(new[] { -1e300, 1e300 })]
    [InlineData(new[] { 1e-12, 2e-12 })]
    public void Odd_data_gives_a_well_formed_chart_with_finite_coordinates(double[] values)
    {
        string svg = new LineChart { Title = "t", Series = [ChartSeries.OfValues("s", values)] }.ToSvg();
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("Infinity", svg, StringComparison.Ordinal);
        XElement.Parse(svg);
    }

    [Fact]
    public void A_value_that_is_not_finite_interrupts_the_line()
    {
        string path = Line(new LineChart { Title = "t", Series = [ChartSeries.OfValues("s", [1, 2, double.NaN, 3, 4])] });
        Assert.Equal(2, path.Count(letter => letter == 'M'));
    }

    [Fact]
    public void A_long_log_is_thinned_but_keeps_its_peak()
    {
        double[] values = new double[200_000];
        values[123_456] = 7;
        LineChart chart = new() { Title = "t", Series = [ChartSeries.OfValues("s", values)] };
        Assert.True(chart.ToSvg().Length < 40_000);
        // The peak reaches the top of the plot: the smallest y of the path.
        double top = Line(chart).Split('M', 'L')[1..].Min(point => double.Parse(point.Split(' ')[1], CultureInfo.InvariantCulture));
        double zero = Line(chart).Split('M', 'L')[1..].Max(point => double.Parse(point.Split(' ')[1], CultureInfo.InvariantCulture));
        Assert.True(zero - top > 150);
    }

    [Theory]
    [InlineData(0, 1, "0|0.2|0.4|0.6|0.8|1.0")]
    [InlineData(3.61, 5.73, "3.5|4.0|4.5|5.0|5.5|6.0")]
    [InlineData(0, 0.0005, "0|1e-4|2e-4|3e-4|4e-4|5e-4")]
    [InlineData(-20, 90, "-20|0|20|40|60|80|100")]
    [InlineData(0, 0.04, "0|0.01|0.02|0.03|0.04")]
    [InlineData(4, 4, "3.6|3.8|4.0|4.2|4.4")]
    public void Ticks_are_round_numbers_that_cover_the_range(double low, double high, string labels)
    {
        AxisTicks ticks = new(low, high, about: 5);
        Assert.Equal(labels, string.Join('|', ticks.Values.Select(ticks.Label)));
    }

    [Fact]
    public void The_running_mean_of_a_slope_is_the_slope_and_long_windows_smooth_the_ends_too()
    {
        double[] slope = [.. Enumerable.Range(0, 50).Select(i => 2.0 * i)];
        ChartSeries smooth = ChartSeries.OfValues("s", slope).Smoothed(7);
        // 1e-9: differences of prefix sums of at most 2450.
        Assert.All(slope.Zip(smooth.Y), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        double[] noise = [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? 1.0 : -1)];
        // Windows of 11 alternating values or more: the mean is at most 1 / 11.
        Assert.All(ChartSeries.OfValues("s", noise).Smoothed(80).Y, value => Assert.InRange(value, -1.0 / 11, 1.0 / 11));
        Assert.Equal([1, 1.5, 1.75, 5.0 / 3, 1.5], ChartSeries.OfValues("s", [1, double.NaN, 2, 1.5, 1.5]).Smoothed(3).Y);
    }

    [Fact]
    public void A_series_with_unequal_lengths_is_named()
    {
        LineChart chart = new() { Title = "t", Series = [new ChartSeries("broken", [1, 2], [1])] };
        Assert.Contains("'broken'", Assert.Throws<ArgumentException>(() => chart.ToSvg()).Message, StringComparison.Ordinal);
    }

    private static string Line(LineChart chart) => XElement.Parse(chart.ToSvg()).Descendants(Svg + "path").Single().Attribute("d")!.Value;
}
