using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dino.Cli.Display;
using Dino.Imaging.Png;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Retrieval;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Cli.Commands;

/// <summary><c>dino cluster</c>: k-means over the pictures of a folder.</summary>
internal static class ClusterCommand
{
    public static Command Create()
    {
        FeatureSource source = new(withoutAny: false);
        Option<int> k = new("--k") { Description = "Number of clusters.", Required = true };
        Option<bool> spherical = Options.Flag("--spherical", "Compare directions (cosine) instead of distances.");
        Option<long> seed = Options.Of("--seed", "Seed of the first centres.", 0L);
        Option<int> iterations = Options.Of("--iterations", "Assignments at most.", 300);
        Option<string?> output = Options.OptionalText("--output", "A .csv or .json file to write: path, cluster and distance to its centre of each picture.");
        Option<string?> sheet = Options.OptionalText("--sheet", "A PNG file to write: a row for each cluster, with the pictures nearest to its centre.");
        Option<bool> json = Options.Json();
        Command command = new("cluster", "Sort the pictures of a folder into clusters (k-means over their features).") { k, spherical, seed, iterations, output, sheet, json };
        source.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string? table = parsed.GetValue(output) is { } file ? Options.RequireOutput(file, ".csv", ".json") : null;
            string? drawn = parsed.GetValue(sheet) is { } png ? Options.RequireEnding(png, "--sheet", ".png") : null;
            if (parsed.GetValue(k) < 1)
                throw new ArgumentException($"--k must be at least 1, not {parsed.GetValue(k)}.");
            if (parsed.GetValue(iterations) < 1)
                throw new ArgumentException($"--iterations must be at least 1, not {parsed.GetValue(iterations)}.");
            KMeansOptions options = new() { Clusters = parsed.GetValue(k), IsSpherical = parsed.GetValue(spherical), Seed = (ulong)parsed.GetValue(seed), MaxIterations = parsed.GetValue(iterations) };
            using Device device = source.Open(parsed);
            (ImageFolder folder, FeatureSet? features) = source.Read(parsed, device, cancellation);
            LeftOut.Say(features!.Skipped, source.Input(parsed));
            PictureClusters clusters;
            using (StageDisplay progress = new())
                clusters = PictureClusters.Of(device, features, options, progress, cancellation);
            if (table is not null)
            {
                Options.MakeFolder(table);
                Save(clusters, folder, table);
            }

            if (drawn is not null)
            {
                Options.MakeFolder(drawn);
                PictureSheet drawing = new() { Columns = 8, Side = 144 };
                PngEncoder.Save(drawing.Compose([.. clusters.Members.Index().SelectMany(cluster => Row(drawing, clusters, cluster.Index, cluster.Item, folder))], cancellation), drawn);
            }

            if (parsed.GetValue(json))
                JsonOutput.Print(ClusterOutput.Of(clusters, features.Skipped.Count, table, drawn), CliJson.Default.ClusterOutput);
            else
                Console.Out.WriteLine(Text(clusters));
            return 0;
        });
    }

    private static string Text(PictureClusters clusters)
    {
        string sizes = string.Join(' ', clusters.Members.Select(members => members.Count));
        KMeansResult result = clusters.Result;
        string end = result.HasConverged ? "converged" : "stopped";
        string agreement = clusters.Agreement is { } with ? string.Create(CultureInfo.InvariantCulture, $"\npurity {with.Purity:f3}, normalised mutual information {with.NormalizedMutualInformation:f3} with {(clusters.Features.Classes.Count == 1 ? "the folder" : $"the {clusters.Features.Classes.Count} folders")}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Wording.Count(clusters.Features.Count, "picture")} in {Wording.Count(clusters.Members.Count, "cluster")} of {sizes}\n{end} after {Wording.Count(result.Iterations, "assignment")}, inertia {result.Inertia:g6}{agreement}");
    }

    private static void Save(PictureClusters clusters, ImageFolder folder, string path)
    {
        ClusterMember[] members = [.. clusters.Features.Paths.Select((file, i) => new ClusterMember(Path.GetRelativePath(folder.Path, file).Replace('\\', '/'), clusters.Labels[i], clusters.Distances[i]))];
        byte[] bytes = Path.GetExtension(path) == ".json"
            ? JsonSerializer.SerializeToUtf8Bytes(members, CliJson.Default.ClusterMemberArray)
            : Encoding.UTF8.GetBytes(string.Concat(members.Select(member => string.Create(CultureInfo.InvariantCulture, $"{Quoted(member.Path)},{member.Cluster},{member.Distance:r}\n")).Prepend("path,cluster,distance\n")));
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>A field as RFC 4180 wants it.</summary>
    private static string Quoted(string text) => text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>The class where there are classes: whether they agree is what one looks for.</summary>
    private static string Name(PictureClusters clusters, int row, ImageFolder folder) => clusters.Agreement is not null
        ? clusters.Features.Classes[clusters.Features.Labels[row]]
        : Path.GetRelativePath(folder.Path, clusters.Features.Paths[row]).Replace('\\', '/');

    private static IEnumerable<(string, string)?> Row(PictureSheet sheet, PictureClusters clusters, int cluster, IReadOnlyList<int> members, ImageFolder folder)
    {
        for (int i = 0; i < sheet.Columns; i++)
        {
            if (i >= members.Count)
                yield return null;
            else if (i == 0)
                yield return (clusters.Features.Paths[members[0]], $"{cluster}: {members.Count}");
            else
                yield return (clusters.Features.Paths[members[i]], sheet.Caption("", Name(clusters, members[i], folder)));
        }
    }
}
