using System.CommandLine;
using System.Globalization;
using Dino.Cli.Display;
using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Probing;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino classify</c>: what a linear classifier says of pictures.</summary>
internal static class ClassifyCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        DeviceOptions devices = new(model.Precision);
        Option<string> file = Options.Required("--classifier", "The --output file of dino linear.");
        Option<string> input = Options.Required("--input", "A picture, or a folder of pictures.");
        Option<int> top = Options.Of("--top", "Classes a picture, the most probable first.", 5);
        Option<int> batch = Options.Of("--batch-size", "Pictures at a time.", 32);
        Option<bool> json = Options.Json();
        Command command = new("classify", "Name the most probable classes of pictures, by a classifier of dino linear and the weights that it was trained with.") { file, input, top, batch, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string source = parsed.GetValue(input)!, path = Options.RequireFile(parsed.GetValue(file)!, "--classifier", "Give the --output file of dino linear.");
            if (parsed.GetValue(top) < 1 || parsed.GetValue(batch) < 1)
                throw new ArgumentException("--top and --batch-size must be at least 1.");
            if (!Directory.Exists(source))
                Options.RequireFile(source, "--input", "Give a PNG or JPEG picture, or a folder of them.");
            using Device device = devices.Open(parsed);
            using LinearClassifier classifier = LinearClassifier.Load(path, device);
            using LoadedModel loaded = model.Load(parsed, device, once: File.Exists(source));
            (IReadOnlyList<ClassifiedPicture> pictures, IReadOnlyCollection<SkippedPicture> skipped) = File.Exists(source)
                ? ([new ClassifiedPicture(source, classifier.Predict(loaded, ImageFile.Decode(source), parsed.GetValue(top)))], [])
                : OfFolder(classifier, loaded, ImageFolder.Open(source), parsed.GetValue(top), parsed.GetValue(batch), cancellation);
            LeftOut.Say(skipped, source);
            pictures = [.. pictures.Select(picture => picture with { Path = Wording.AsGiven(picture.Path, source) })];
            if (parsed.GetValue(json))
                JsonOutput.Print(Output(pictures, skipped.Count), LinearJson.Default.ClassifyOutput);
            else
                Print(pictures);
            return 0;
        });
    }

    private static (IReadOnlyList<ClassifiedPicture> Pictures, IReadOnlyCollection<SkippedPicture> Skipped) OfFolder(
        LinearClassifier classifier, LoadedModel model, ImageFolder folder, int count, int batch, CancellationToken cancellation)
    {
        using PictureProgress progress = new(folder.Count);
        return classifier.Predict(model, folder, count, batch, progress, cancellation);
    }

    private static ClassifyOutput Output(IReadOnlyList<ClassifiedPicture> pictures, int skipped) =>
        new([.. pictures.Select(picture => new PictureOutput(picture.Path, [.. picture.Classes.Select(one => new ClassOutput(one.Name, one.Probability))]))], skipped);

    private static void Print(IReadOnlyList<ClassifiedPicture> pictures)
    {
        foreach (ClassifiedPicture picture in pictures)
            Console.Out.WriteLine($"{picture.Path}: {string.Join(", ", picture.Classes.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Name} {100 * one.Probability:f1} %")))}");
    }
}
