using System.CommandLine;
using System.Globalization;
using Dino.Cli.Display;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino knn</c>: accuracy of weighted k-NN on the features.</summary>
internal static class KnnCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: false);
        PictureOptions pictures = new();
        DeviceOptions devices = new(model.Precision);
        Option<string> train = Options.Required("--train", "Folder with one sub-folder per class: the memory.");
        Option<string> test = Options.Required("--test", "Folder with the same sub-folders: the queries.");
        Option<string> k = Options.Of("--k", "Neighbours that vote; several numbers, such as 10,20,100,200, give an accuracy each.", "20");
        Option<double> temperature = Options.Of("--temperature", "A neighbour's vote weighs exp(similarity / temperature).", 0.07);
        Option<bool> untrained = Options.Flag("--untrained", "Use random first weights: of the network of --weights, or of the one that --arch and its like describe.");
        Option<bool> pixels = Options.Flag("--pixels", "Use the pixels themselves instead of a network.");
        Option<long> seed = Options.Of("--seed", "Seed of the first weights with --untrained; the demonstration's is 1.", 0L);
        Option<bool> json = Options.Json();
        Command command = new("knn", "Measure weighted k-NN accuracy of the features (or of raw pixels) on labelled folders.") { train, test, k, temperature, untrained, pixels, seed, json };
        pictures.AddTo(command);
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            using Device device = devices.Open(parsed);
            (ImageFolder memory, ImageFolder queries) = (ImageFolder.Open(parsed.GetValue(train)!), ImageFolder.Open(parsed.GetValue(test)!));
            // Before hours of work, and again for the pictures that could be used.
            ClassNames.Renumber([], queries.Classes, memory.Classes);
            bool usesPixels = parsed.GetValue(pixels), isUntrained = parsed.GetValue(untrained);
            if (usesPixels && isUntrained)
                throw new ArgumentException("--pixels and --untrained exclude each other.");
            int[] counts = Counts(parsed.GetValue(k)!);
            if (parsed.GetValue(temperature) is not (> 0 and < double.PositiveInfinity))
                throw new ArgumentException($"--temperature must be positive, not {parsed.GetValue(temperature)}.");
            if (!usesPixels && !isUntrained && !model.IsGiven(parsed))
                throw new ArgumentException("Give --weights FILE, or --untrained, or --pixels.");
            using LoadedModel? loaded = usesPixels && !model.IsGiven(parsed) ? null
                : isUntrained ? model.Untrained(parsed, device, (ulong)parsed.GetValue(seed), pictures.Crop(parsed) ?? 224)
                : model.Load(parsed, device);
            Preprocessing seen = loaded is null || usesPixels ? pictures.Resolve(parsed, loaded?.Preprocessing ?? new Preprocessing()) : pictures.Resolve(parsed, loaded);
            if (usesPixels && loaded is not null)
                Console.Error.WriteLine($"--pixels does not use the weights, only what they say of pictures: {seen}");
            int batch = pictures.Batch(parsed);
            FeatureSet Features(ImageFolder folder)
            {
                using PictureProgress progress = new(folder.Count);
                return usesPixels
                    ? FeatureSet.OfPixels(device, folder, seen, batch, progress, cancellation)
                    : FeatureSet.OfModel(loaded!, folder, seen, normalize: true, batch, progress, cancellation);
            }

            (FeatureSet known, FeatureSet asked) = (Features(memory), Features(queries));
            // What nobody asked for gives way to a small folder in silence.
            if (parsed.GetResult(k) is { Implicit: false } && counts.Max() > known.Count)
                Console.Error.WriteLine($"--k {counts.Max()} is more than the {Wording.Count(known.Count, "training picture")}: all of them vote");
            int[] labels = ClassNames.Renumber(asked.Labels, asked.Classes, known.Classes);
            using KnnClassifier classifier = new(device, known.Values, known.Labels);
            KnnResult[] results = classifier.Evaluate(asked.Values, labels, counts, parsed.GetValue(temperature), cancellation);
            FeaturesOutput features = Describe(usesPixels ? null : loaded!.Backbone.Options, model.Precision.NameOf(parsed), isUntrained ? parsed.GetValue(seed) : null, seen);
            int skipped = known.Skipped.Count + asked.Skipped.Count;
            if (parsed.GetValue(json))
                JsonOutput.Print(Output(results, skipped, features), CliJson.Default.KnnOutput);
            else
                Print(results, skipped, features);
            return 0;
        });
    }

    private static int[] Counts(string text)
    {
        string[] numbers = text.Split(',', StringSplitOptions.TrimEntries);
        return Array.ConvertAll(numbers, number => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
            ? count
            : throw new ArgumentException($"--k must be at least 1, or several such numbers with commas between them (10,20,100,200), not '{text}'."));
    }

    /// <summary>The fields of the first number stand at the top, where they are of one number alone.</summary>
    private static KnnOutput Output(KnnResult[] results, int skipped, FeaturesOutput features)
    {
        KnnResult first = results[0];
        return new KnnOutput(first.Top1, first.Top5, first.K, first.Train, first.Test, skipped, features, [.. results.Select(result => new KnnAccuracy(result.K, result.Top1, result.Top5))]);
    }

    private static void Print(KnnResult[] results, int skipped, FeaturesOutput features)
    {
        foreach (KnnResult result in results)
            Console.Out.WriteLine($"top-1 {result.Top1:f2} %, top-5 {result.Top5:f2} %  (k = {result.K}, {result.Train} in memory, {Wording.Count(result.Test, "query", "queries")}{(skipped > 0 ? $", {Wording.Count(skipped, "unusable picture")} left out" : "")})");
        Console.Out.WriteLine($"features: {features}");
    }

    /// <param name="network">Null for pixels.</param>
    /// <param name="seed">Null for trained weights.</param>
    private static FeaturesOutput Describe(BackboneOptions? network, string precision, long? seed, Preprocessing seen) => network is null
        ? new FeaturesOutput("pixels", null, null, null, seen.ResizeTo, seen.Size)
        : new FeaturesOutput(seed is null ? "weights" : "untrained", NetworkOutput.Of(network), precision, seed, seen.ResizeTo, seen.Size);
}
