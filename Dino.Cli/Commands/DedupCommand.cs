using System.CommandLine;
using System.Globalization;
using System.Text;
using Dino.Cli.Display;
using Dino.Imaging.Png;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Report;
using Dino.Ssl.Retrieval;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Cli.Commands;

/// <summary><c>dino dedup</c>: near-duplicates of a folder. Deletes nothing.</summary>
internal static class DedupCommand
{
    private const int MostDrawn = 200;

    public static Command Create()
    {
        FeatureSource source = new(withoutAny: true);
        DuplicateOptions defaults = new();
        Option<double> threshold = Options.Of("--threshold", "Likeness of the pixels from which pictures are copies, 0 to 1.", defaults.Threshold);
        Option<bool> noCrops = Options.Flag("--no-crops", "Do not look for copies whose edges were cut off.");
        Option<int> candidates = Options.Of("--candidates", "Pictures that each one is compared with, by pixels and by features.", defaults.Candidates);
        Option<string?> list = Options.OptionalText("--list", "A text file to write: every copy of a better picture, one path a line.");
        Option<string?> report = Options.OptionalText("--report", "An .html page or .png sheet to write: the groups, to look at.");
        Option<bool> json = Options.Json();
        Command command = new("dedup", "Find near-duplicates in a folder: pictures re-encoded, resized or slightly cropped. Works without weights; with them, features find more of the crops. Deletes nothing.") { threshold, noCrops, candidates, list, report, json };
        source.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            DuplicateOptions options = new() { Threshold = parsed.GetValue(threshold), Crops = !parsed.GetValue(noCrops), Candidates = parsed.GetValue(candidates) };
            options.Validate();
            string? page = parsed.GetValue(report) is { } file ? Options.RequireEnding(file, "--report", ".html", ".png") : null;
            string? text = parsed.GetValue(list) is { } name ? Options.RequireEnding(name, "--list", ".txt") : null;
            using Device device = source.Open(parsed);
            (ImageFolder folder, FeatureSet? features) = source.Read(parsed, device, cancellation);
            DuplicateReport found;
            using (StageDisplay progress = new())
                found = DuplicateFinder.Find(device, folder, options, features, progress, cancellation);
            LeftOut.Say(found.Skipped, source.Input(parsed));
            if (text is not null)
            {
                Options.MakeFolder(text);
                AtomicFile.WriteLines(text, found.Copies.Select(copy => copy.Path));
            }

            if (page is not null)
            {
                Options.MakeFolder(page);
                Draw(found, folder, page, cancellation);
            }

            if (parsed.GetValue(json))
                JsonOutput.Print(DedupOutput.Of(found, options, text, page), CliJson.Default.DedupOutput);
            else
                Console.Out.WriteLine(Text(found, folder));
            return 0;
        });
    }

    private static string Text(DuplicateReport found, ImageFolder folder)
    {
        StringBuilder text = new();
        foreach (IReadOnlyList<DuplicatePicture> group in found.Groups)
        {
            foreach ((int i, DuplicatePicture picture) in group.Index())
                text.AppendLine(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : $"  {picture.Similarity:f3}  ")}{Name(folder, picture)}  {picture.Width} x {picture.Height}, {picture.Bytes} bytes{(picture.IsCrop ? ", cropped" : "")}");
        }

        return text.Append(Summary(found)).ToString();
    }

    private static string Summary(DuplicateReport found) => string.Create(CultureInfo.InvariantCulture,
        $"{Wording.Count(found.Count, "picture")}, {Wording.Count(found.Groups.Count, "group")} of near-duplicates, {Wording.Count(found.Copies.Count(), "copy of a better picture", "copies of better pictures")} ({found.Copies.Sum(copy => copy.Bytes) / 1e6:f1} MB)");

    private static string Name(ImageFolder folder, DuplicatePicture picture) => Path.GetRelativePath(folder.Path, picture.Path).Replace('\\', '/');

    /// <summary>A page with a row of pictures for each group, or all rows as one sheet.</summary>
    private static void Draw(DuplicateReport found, ImageFolder folder, string path, CancellationToken cancellation)
    {
        IReadOnlyList<DuplicatePicture>[] groups = [.. found.Groups.Take(MostDrawn)];
        if (Path.GetExtension(path) == ".png")
        {
            int columns = Math.Clamp(groups.Select(group => group.Count).DefaultIfEmpty(1).Max(), 2, 8);
            PictureSheet sheet = new() { Columns = columns };
            (string, string)?[] cells = [.. groups.SelectMany(group => Row(sheet, folder, group.Take(columns)).Concat(Enumerable.Repeat<(string, string)?>(null, Math.Max(0, columns - group.Count))))];
            PngEncoder.Save(sheet.Compose(cells.Length > 0 ? cells : [null, null], cancellation), path);
            return;
        }

        new HtmlReport
        {
            Title = "Near-duplicates",
            Summary = $"{Summary(found)}{(found.Groups.Count > groups.Length ? $"; the first {groups.Length} groups are shown" : "")}.",
            PicturesTitle = "Groups",
            PicturesNote = "The first picture of each group is the one with the most pixels; the number below another one is its likeness to the first.",
            Pictures = [.. groups.Select(group =>
            {
                PictureSheet sheet = new() { Columns = Math.Min(5, group.Count) };
                return new ReportPicture(sheet.Compose([.. Row(sheet, folder, group)], cancellation), $"{Name(folder, group[0])}, {group[0].Width} x {group[0].Height}, and {group.Count - 1} more");
            })],
        }.Save(path);
    }

    private static IEnumerable<(string, string)?> Row(PictureSheet sheet, ImageFolder folder, IEnumerable<DuplicatePicture> group) =>
        group.Select((picture, i) => ((string, string)?)(picture.Path, sheet.Caption(i == 0 ? "" : picture.Similarity.ToString("f2", CultureInfo.InvariantCulture), Name(folder, picture))));
}
