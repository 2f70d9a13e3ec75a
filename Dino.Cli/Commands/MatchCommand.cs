using System.CommandLine;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Matching;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino match</c>: where two pictures show the same.</summary>
internal static class MatchCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        DeviceOptions devices = new(model.Precision);
        Option<string> first = Options.Required("--image", "A PNG or JPEG picture.");
        Option<string> second = Options.Required("--with", "The picture to compare it with.");
        Option<string> output = Options.Required("--output", "The PNG file to write; its folder is made if there is none.");
        Option<int?> side = Options.Optional<int>("--image-size", "Short side of a picture as the network sees it (480, or twice the trained size if that is less).");
        Option<bool> mutual = Options.Of("--mutual", "Keep only patches that are each other's most similar one; false takes the most similar one of every patch.", true);
        Option<int> top = Options.Of("--top", "Pairs to draw, at most: the best ones that are spread over the picture.", 40);
        Option<bool> json = Options.Json();
        Command command = new("match", "Draw lines between the places of two pictures whose patch features are most similar.") { first, second, output, side, mutual, top, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, _) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".png");
            int count = parsed.GetValue(top) is var most and >= 1 and <= 10_000 ? most : throw new ArgumentException($"--top must be 1 to 10000, not {parsed.GetValue(top)}.");
            string[] sources = [Options.RequireFile(parsed.GetValue(first)!, "--image", "Give one PNG or JPEG picture."), Options.RequireFile(parsed.GetValue(second)!, "--with", "Give one PNG or JPEG picture.")];
            using Device device = devices.Open(parsed);
            Image[] pictures = [.. sources.Select(source => ImageFile.Decode(source))];
            using LoadedModel loaded = model.Load(parsed, device);
            int size = Options.RequirePatches(parsed.GetValue(side), loaded);
            Options.MakeFolder(path);
            PatchFeatures a = PatchFeatures.Of(loaded, pictures[0], size, out Image left, normalize: true), b = PatchFeatures.Of(loaded, pictures[1], size, out Image right, normalize: true);
            PatchMatch[] found = PatchMatching.Find(device, a, b, parsed.GetValue(mutual)), drawn = PatchMatching.Spread(found, a.Rows, a.Columns, count);
            int patch = loaded.Backbone.Options.PatchSize;
            (double X0, double Y0, double X1, double Y1)[] places = [.. drawn.Select(match => (Middle(match.First % a.Columns), Middle(match.First / a.Columns), Middle(match.Second % b.Columns), Middle(match.Second / b.Columns)))];
            PngEncoder.Save(MatchPicture.Draw(left, right, places), path);
            if (!parsed.GetValue(json))
            {
                Console.Out.WriteLine($"{path}: {drawn.Length} of {found.Length} pairs of {a.Rows} x {a.Columns} and {b.Rows} x {b.Columns} patches, cosine {drawn.Max(match => match.Similarity):f3} to {drawn.Min(match => match.Similarity):f3}");
                return 0;
            }

            // In pixels of the files: the picture that the network saw is another size, and cut at the end of whole patches.
            (double firstScale, double secondScale) = (Scale(pictures[0], size), Scale(pictures[1], size));
            MatchedPair[] pairs = [.. drawn.Select((match, i) => new MatchedPair(
                [Pixel(places[i].X0, firstScale), Pixel(places[i].Y0, firstScale)], [Pixel(places[i].X1, secondScale), Pixel(places[i].Y1, secondScale)], Math.Round(Math.Min(1, match.Similarity), 5)))];
            JsonOutput.Print(new MatchOutput(found.Length, new MatchGrid(a.Rows, a.Columns), new MatchGrid(b.Rows, b.Columns), pairs, path), CliJson.Default.MatchOutput);
            return 0;

            double Middle(int index) => (index + 0.5) * patch;
        });
    }

    private static double Scale(Image picture, int size) => (double)Math.Min(picture.Width, picture.Height) / size;

    private static double Pixel(double place, double scale) => Math.Round(place * scale, 1);
}
