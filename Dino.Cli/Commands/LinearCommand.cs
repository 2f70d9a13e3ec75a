using System.CommandLine;
using System.Globalization;
using Dino.Cli.Display;
using Dino.Ssl.Data;
using Dino.Ssl.Probing;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino linear</c>: accuracy of linear classifiers on the frozen features.</summary>
internal static class LinearCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        LinearOptions linear = new();
        PictureOptions pictures = new(hasBatch: false);
        DeviceOptions devices = new(model.Precision);
        Option<string> train = Options.Required("--train", "Folder with one sub-folder per class, to learn from.");
        Option<string> test = Options.Required("--test", "Folder with the same sub-folders, to measure with.");
        Option<string> output = Options.Required("--output", "The .safetensors file of the classifier to write, for dino classify; its folder is made if there is none. What --resume needs is kept beside it.");
        Option<bool> resume = Options.Flag("--resume", "Go on from where an earlier call with the same settings was stopped.");
        Option<bool> json = Options.Json();
        Command command = new("linear", "Train a linear classifier on the frozen features of labelled pictures, and measure its accuracy.") { train, test, output, resume, json };
        linear.AddTo(command);
        pictures.AddTo(command);
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".safetensors"), state = Path.ChangeExtension(path, ".state.safetensors");
            bool resumes = parsed.GetValue(resume);
            if (!resumes && (File.Exists(path) || File.Exists(state)))
                throw new ArgumentException($"'{(File.Exists(path) ? path : state)}' is there already. Add --resume to go on with it, or choose another --output.");
            (ImageFolder known, ImageFolder asked) = (ImageFolder.Open(parsed.GetValue(train)!), ImageFolder.Open(parsed.GetValue(test)!));
            using Device device = devices.Open(parsed);
            using LoadedModel loaded = model.Load(parsed, device);
            LinearProbeOptions options = linear.Resolve(parsed, loaded.Backbone.Options);
            Preprocessing seen = pictures.Resolve(parsed, loaded);
            using LinearProbeRun run = new(loaded, known, asked, options, seen) { StatePath = state };
            Options.MakeFolder(path);
            Read(run, options, known, asked, resumes, cancellation);
            LinearProbeResult result;
            using (LinearDisplay display = new())
            {
                display.Say(Describe(run, options, known, device));
                result = run.Run(display, cancellation);
                if (!result.Completed)
                    display.Say($"stopped at step {result.Step} of {run.Steps}; continue with --resume");
            }

            if (result.Best is { } best)
            {
                using LinearClassifier classifier = run.ClassifierOf(best);
                classifier.Save(path);
            }

            LeftOut.Say(result.Skipped, parsed.GetValue(train), parsed.GetValue(test));
            FeaturesOutput features = new("weights", NetworkOutput.Of(loaded.Backbone.Options), model.Precision.NameOf(parsed), null, seen.ResizeTo, seen.Size);
            LinearOutput summary = Summarize(result, run, options, known, asked, features, path);
            if (parsed.GetValue(json))
                JsonOutput.Print(summary, LinearJson.Default.LinearOutput);
            else
                Print(summary);
            return 0;
        });
    }

    /// <summary>The passes through the network that come before the first step.</summary>
    private static void Read(LinearProbeRun run, LinearProbeOptions options, ImageFolder train, ImageFolder test, bool resumes, CancellationToken cancellation)
    {
        using (PictureProgress progress = new(test.Count, "test pictures"))
            run.ReadTestPictures(progress, cancellation);
        using PictureProgress training = new(train.Count, "training pictures");
        run.ReadTrainingPictures(resumes, options.IsCached ? training : null, cancellation);
    }

    private static string Describe(LinearProbeRun run, LinearProbeOptions options, ImageFolder train, Device device)
    {
        string start = run.Step > 0 ? $"resuming at step {run.Step}" : "starting", heads = options.Heads.Count == 1 ? Describe(options.Heads[0]) : $"{options.Heads.Count} classifiers at once";
        string pictures = options.IsCached ? "features of the centre crop, computed once (not the official protocol)" : "a new random crop of every picture in every epoch";
        return $"{start}: {heads}, {train.Classes.Count} classes; {Wording.Count(options.Epochs, "epoch")} of {Wording.Count(run.Steps / options.Epochs, "step")}; {pictures}; {DeviceOptions.Describe(device)}";
    }

    private static string Describe(LinearHead head) => Describe(head.Blocks, head.AveragePool, head.LearningRate);

    private static string Describe(int blocks, bool pool, double rate) =>
        string.Create(CultureInfo.InvariantCulture, $"CLS of {(blocks == 1 ? "the last block" : $"the last {blocks} blocks")}{(pool ? " and mean patch token" : "")}, lr {rate:g4}");

    private static LinearOutput Summarize(LinearProbeResult result, LinearProbeRun run, LinearProbeOptions options, ImageFolder train, ImageFolder test, FeaturesOutput features, string output)
    {
        LinearScore? best = result.Best is { } index ? result.Last![index] : null;
        LinearEpoch? peak = result.Best is { } head ? result.PeakOf(head) : null;
        ClassifierOutput[] classifiers = [.. result.Heads.Index().Select(item => new ClassifierOutput(
            item.Item.Blocks, item.Item.AveragePool, item.Item.LearningRate, result.Last?[item.Index].Top1, result.Last?[item.Index].Top5, result.Last?[item.Index].Loss, result.Epochs is [.., { } last] ? last.Losses[item.Index] : null))];
        return new LinearOutput(
            result.Completed, result.Step, run.Steps, options.Epochs, best?.Top1, best?.Top5, peak?.Scores![result.Best!.Value].Top1, peak?.Epoch + 1, result.Best, classifiers,
            options.IsCached ? "cached" : "augmented", train.Classes.Count, train.Count, test.Count, result.Skipped.Count, features, output);
    }

    private static void Print(LinearOutput summary)
    {
        if (summary.Best is not { } index)
        {
            Console.Out.WriteLine("no accuracy yet: no epoch has been tested");
            return;
        }

        ClassifierOutput best = summary.Classifiers[index];
        if (summary.Classifiers.Length > 1)
            PrintTable(summary.Classifiers, index);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"top-1 {summary.Top1:f2} %, top-5 {summary.Top5:f2} %  (peak top-1 {summary.PeakTop1:f2} %, in epoch {summary.PeakEpoch}; {summary.Classes} classes, {summary.Train} training and {Wording.Count(summary.Test, "test picture")}{(summary.Skipped > 0 ? $", {summary.Skipped} of them unusable" : "")})"));
        Console.Out.WriteLine($"classifier: {Describe(best.Blocks, best.Avgpool, best.Lr)}; {(summary.Protocol == "cached" ? "learned from centre crops, not the official protocol" : "learned from random crops")}");
        Console.Out.WriteLine($"features: {summary.Features}");
        Console.Out.WriteLine(summary.Output);
    }

    private static void PrintTable(ClassifierOutput[] classifiers, int best)
    {
        Console.Out.WriteLine("  blocks  avgpool        lr    top-1    top-5  test loss  train loss");
        foreach ((int i, ClassifierOutput c) in classifiers.Index())
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(i == best ? "*" : " ")} {c.Blocks,6}  {(c.Avgpool ? "yes" : "no"),7}  {c.Lr,8:g4}  {c.Top1,7:f2}  {c.Top5,7:f2}  {c.TestLoss,9:f4}  {c.TrainLoss,10:f4}"));
    }
}
