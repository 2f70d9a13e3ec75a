using System.Text.RegularExpressions;
using Dino.Imaging;
using Dino.Ssl.Plots;
using Dino.Ssl.Report;

namespace Dino.Tests.Ssl.Report;

public sealed partial class HtmlReportTests
{
    [Fact]
    public void The_page_needs_nothing_from_outside()
    {
        string page = Sample().ToHtml();
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<link", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", page, StringComparison.Ordinal);
        Assert.All(Source().Matches(page), match => Assert.StartsWith("data:image/png;base64,", match.Groups[1].Value, StringComparison.Ordinal));
    }

    [Fact]
    public void Pictures_are_inside_and_readable()
    {
        string data = Assert.Single(Source().Matches(Sample().ToHtml())).Groups[1].Value;
        Image image = ImageFile.Decode(Convert.FromBase64String(data["data:image/png;base64,".Length..]));
        Assert.Equal(Sample().Pictures[0].Image.Pixels, image.Pixels);
    }

    [Fact]
    public void Text_is_escaped_and_every_section_is_there()
    {
        string page = Sample().ToHtml();
        Assert.Contains("A &lt;b&gt; &amp; c", page, StringComparison.Ordinal);
        Assert.Contains("<p class=\"note\">Little &lt;b&gt; to see.</p>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        foreach (string heading in (string[])["k-NN accuracy", "Training", "Attention", "Settings"])
            Assert.Contains($"<h2>{heading}</h2>", page, StringComparison.Ordinal);
        Assert.Contains("+23.5", page, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.Equal(4, Svg().Count(page));
        // Every element that is opened is closed.
        foreach (string tag in (string[])["section", "div", "table", "figure", "svg", "dl", "main", "body", "html"])
            Assert.Equal(Regex.Count(page, $"<{tag}[ >]"), Regex.Count(page, $"</{tag}>"));
    }

    [Fact]
    public void Empty_sections_are_left_out()
    {
        string page = new HtmlReport { Title = "bare" }.ToHtml();
        Assert.DoesNotContain("<section", page, StringComparison.Ordinal);
        Assert.Contains("<footer>Dino", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Saving_replaces_an_older_page()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("report.html");
        File.WriteAllText(path, "old");
        Sample().Save(path);
        Assert.Equal(Sample().ToHtml(), File.ReadAllText(path));
    }

    [Fact]
    public void Training_curves_become_four_charts_with_ln_K_where_it_tells_something()
    {
        IReadOnlyList<LineChart> charts = Curves(200).ToCharts();
        Assert.Equal(4, charts.Count);
        Assert.Equal([1, 1, 0, 0], charts.Select(chart => chart.References.Count));
        Assert.Equal(Math.Log(1024), charts[0].References[0].Value);
        Assert.Equal([2, 2, 2, 1], charts.Select(chart => chart.Series.Count));
        // A log of a few entries is drawn as it is.
        Assert.All(Curves(5).ToCharts(), chart => Assert.False(Assert.Single(chart.Series).Faint));
    }

    private static TrainingCurves Curves(int count)
    {
        double[] steps = [.. Enumerable.Range(0, count).Select(i => (double)i)];
        return new TrainingCurves { Steps = steps, Loss = steps, TeacherEntropy = steps, Divergence = steps, LearningRate = steps, Prototypes = 1024 };
    }

    private static HtmlReport Sample() => new()
    {
        Title = "A <b> & c",
        Summary = "Two \"quoted\" words.",
        Settings = [new ReportEntry("optimizer", "AdamW")],
        Accuracies = [new ReportAccuracy("raw pixels", 25), new ReportAccuracy("untrained", 20, 60), new ReportAccuracy("trained", 48.5, 90, IsResult: true)],
        Charts = Curves(200).ToCharts(),
        Pictures = [new ReportPicture(new Image(2, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), "head 0", Scale: 4)],
        PicturesNote = "Little <b> to see.",
        Versions = [new ReportEntry("Dino", "1.2.3")],
    };

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Source();

    [GeneratedRegex("<svg ")]
    private static partial Regex Svg();
}
