using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Plots;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Report;

/// <summary>
/// The result of a run as one HTML page that needs nothing else: styles, charts (SVG) and pictures (PNG) are inside, there is
/// no script, and nothing is fetched. Follows the reader's choice of light or dark.
/// </summary>
public sealed record HtmlReport
{
    /// <summary>Heading of the page.</summary>
    public required string Title { get; init; }

    /// <summary>One or two sentences below the heading; none if empty.</summary>
    public string Summary { get; init; } = "";

    /// <summary>The run's settings.</summary>
    public IReadOnlyList<ReportEntry> Settings { get; init; } = [];

    /// <summary>k-NN accuracies, from the baselines to the result.</summary>
    public IReadOnlyList<ReportAccuracy> Accuracies { get; init; } = [];

    /// <summary>How the accuracies were measured, such as "20 neighbours, T = 0.07, 400 test pictures".</summary>
    public string AccuracyNote { get; init; } = "";

    /// <summary>Charts, two in a row; see <see cref="TrainingCurves.ToCharts"/>.</summary>
    public IReadOnlyList<LineChart> Charts { get; init; } = [];

    /// <summary>Attention maps and other pictures.</summary>
    public IReadOnlyList<ReportPicture> Pictures { get; init; } = [];

    /// <summary>Heading of the section with the pictures.</summary>
    public string PicturesTitle { get; init; } = "Attention";

    /// <summary>What to expect of the pictures, below them; none if empty.</summary>
    public string PicturesNote { get; init; } = "";

    /// <summary>Versions and machine, in the footer.</summary>
    public IReadOnlyList<ReportEntry> Versions { get; init; } = DefaultVersions();

    /// <summary>Writes the page, replacing an older one as a whole.</summary>
    public void Save(string path)
    {
        byte[] page = Encoding.UTF8.GetBytes(ToHtml());
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    /// <summary>The page.</summary>
    public string ToHtml()
    {
        StringBuilder page = new();
        page.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{Text(Title)}</title>
            <style>
            {ReportStyle.Css}
            {ChartStyle.Css}
            </style>
            </head>
            <body>
            <main>
            <header><h1>{Text(Title)}</h1>{(Summary.Length > 0 ? $"<p class=\"summary\">{Text(Summary)}</p>" : "")}</header>

            """);
        AddAccuracies(page);
        AddCharts(page);
        AddPictures(page);
        AddSettings(page);
        page.Append("<footer>").AppendJoin(" · ", Versions.Select(entry => $"{Text(entry.Name)} {Text(entry.Value)}")).Append("</footer>\n</main>\n</body>\n</html>\n");
        return page.ToString();
    }

    private static ReportEntry[] DefaultVersions() =>
    [
        new("Dino", typeof(HtmlReport).Assembly.GetName().Version?.ToString(3) ?? "unknown"),
        new("", RuntimeInformation.FrameworkDescription),
        new("", RuntimeInformation.OSDescription),
        new("", $"{RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors"),
    ];

    private void AddAccuracies(StringBuilder page)
    {
        if (Accuracies.Count == 0)
            return;
        bool topFive = Accuracies.Any(accuracy => accuracy.TopFive is not null);
        ReportAccuracy? result = Accuracies.FirstOrDefault(accuracy => accuracy.IsResult);
        page.Append("<section><h2>k-NN accuracy</h2>\n");
        page.Append("<div class=\"wide\"><table><thead><tr><th>features</th><th colspan=\"2\">top-1</th>");
        page.Append(topFive ? "<th class=\"number\">top-5</th>" : "").Append(result is null ? "" : "<th class=\"number\">gain</th>").Append("</tr></thead><tbody>\n");
        foreach (ReportAccuracy accuracy in Accuracies)
        {
            double width = Math.Clamp(accuracy.TopOne, 0, 100);
            page.Append(CultureInfo.InvariantCulture, $"<tr{(accuracy.IsResult ? " class=\"result\"" : "")}><th>{Text(accuracy.Name)}</th><td class=\"bar\"><div><span style=\"width:{width:0.#}%\"></span></div></td><td class=\"number\">{accuracy.TopOne:0.0} %</td>");
            if (topFive)
                page.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{(accuracy.TopFive is double five ? five.ToString("0.0", CultureInfo.InvariantCulture) + " %" : "–")}</td>");
            if (result is not null)
                page.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{(accuracy.IsResult ? "" : Points(result.TopOne - accuracy.TopOne))}</td>");
            page.Append("</tr>\n");
        }

        page.Append("</tbody></table></div>\n");
        AddNote(page, AccuracyNote + (result is null ? "" : $"{(AccuracyNote.Length > 0 ? ". " : "")}Gain: points by which {result.Name} is ahead."));
        page.Append("</section>\n");
    }

    private void AddCharts(StringBuilder page)
    {
        if (Charts.Count == 0)
            return;
        page.Append("<section><h2>Training</h2>\n<div class=\"charts\">\n");
        foreach (LineChart chart in Charts)
            page.Append("<figure>").Append(chart.ToSvg(standalone: false)).Append("</figure>\n");
        page.Append("</div></section>\n");
    }

    private void AddPictures(StringBuilder page)
    {
        if (Pictures.Count == 0)
            return;
        page.Append(CultureInfo.InvariantCulture, $"<section><h2>{Text(PicturesTitle)}</h2>\n<div class=\"pictures\">\n");
        foreach (ReportPicture picture in Pictures)
        {
            using MemoryStream png = new();
            PngEncoder.Encode(picture.Image, png);
            string data = Convert.ToBase64String(png.GetBuffer(), 0, (int)png.Length);
            page.Append(CultureInfo.InvariantCulture, $"<figure><img src=\"data:image/png;base64,{data}\" width=\"{picture.Image.Width * picture.Scale}\" height=\"{picture.Image.Height * picture.Scale}\" alt=\"{Text(picture.Caption)}\"><figcaption>{Text(picture.Caption)}</figcaption></figure>\n");
        }

        page.Append("</div>\n");
        AddNote(page, PicturesNote);
        page.Append("</section>\n");
    }

    private void AddSettings(StringBuilder page)
    {
        if (Settings.Count == 0)
            return;
        page.Append("<section><h2>Settings</h2>\n<dl>\n");
        foreach (ReportEntry entry in Settings)
            page.Append(CultureInfo.InvariantCulture, $"<div><dt>{Text(entry.Name)}</dt><dd>{Text(entry.Value)}</dd></div>\n");
        page.Append("</dl></section>\n");
    }

    private static void AddNote(StringBuilder page, string note)
    {
        if (note.Length > 0)
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Text(note)}</p>\n");
    }

    private static string Points(double points) => points.ToString("+0.0;−0.0;0.0", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
