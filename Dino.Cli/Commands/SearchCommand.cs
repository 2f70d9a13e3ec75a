using System.CommandLine;
using System.Globalization;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Retrieval;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino search</c>: the pictures of an index that are most like a picture.</summary>
internal static class SearchCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: false);
        DeviceOptions devices = new(model.Precision);
        Option<string> index = Options.Required("--index", "A file of dino index. It knows its weights: --weights is needed only if they have moved.");
        Option<string> image = Options.Required("--image", "The PNG or JPEG picture to look for.");
        Option<int> k = Options.Of("--k", "Pictures to find.", 10);
        Option<string?> sheet = Options.OptionalText("--sheet", "A PNG file to write: the picture and what was found.");
        Option<bool> json = Options.Json();
        Command command = new("search", "Find the pictures of an index that are most like a picture.") { index, image, k, sheet, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, _) =>
        {
            if (parsed.GetValue(k) < 1)
                throw new ArgumentException($"--k must be at least 1, not {parsed.GetValue(k)}.");
            string? drawn = parsed.GetValue(sheet) is { } file ? Options.RequireEnding(file, "--sheet", ".png") : null;
            string path = Options.RequireFile(parsed.GetValue(index)!, "--index", "Make one with dino index --weights FILE --input DIR --output FILE.safetensors.");
            string source = Options.RequireFile(parsed.GetValue(image)!, "--image", "Give one PNG or JPEG picture.");
            Image picture = ImageFile.Decode(source);
            using Device device = devices.Open(parsed);
            using FeatureIndex features = FeatureIndex.Open(path, device);
            using LoadedModel loaded = model.LoadOf(parsed, device, features, out FeatureExtractor extractor);
            FeatureSet query = FeatureSet.OfImage(extractor, picture, source, features.Settings.Preprocessing);
            SearchHit[] hits = features.Search(query.Values, parsed.GetValue(k));
            if (drawn is not null)
            {
                Options.MakeFolder(drawn);
                PngEncoder.Save(Sheet(features, source, hits), drawn);
            }

            if (parsed.GetValue(json))
                JsonOutput.Print(new SearchOutput(source, features.Folder, features.Pictures.Count, [.. hits.Select(hit => new HitOutput(hit.Path, hit.Score))], drawn), CliJson.Default.SearchOutput);
            else
                Console.Out.WriteLine(string.Join('\n', hits.Select(hit => string.Create(CultureInfo.InvariantCulture, $"{hit.Score:f4}  {hit.Path}"))));
            return 0;
        });
    }

    /// <summary>The query alone in the first row, what was found below.</summary>
    private static Image Sheet(FeatureIndex features, string source, SearchHit[] hits)
    {
        PictureSheet sheet = new() { Columns = Math.Min(5, hits.Length) };
        IEnumerable<(string, string)?> first = [(source, "query"), .. Enumerable.Repeat<(string, string)?>(null, sheet.Columns - 1)];
        return sheet.Compose([.. first, .. hits.Select(hit => ((string, string)?)(features.FullPath(hit.Index), sheet.Caption(hit.Score.ToString("f3", CultureInfo.InvariantCulture), hit.Path)))]);
    }
}
