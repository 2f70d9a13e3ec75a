using System.CommandLine;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino bench data</c>: pictures a second through the stages before the network, on one core.</summary>
internal static class DataBenchmark
{
    /// <summary>Enough pictures to be typical of a folder.</summary>
    private const int MaxPictures = 32;

    private const int DrawnSize = 384;

    public static Command Create()
    {
        Option<string?> data = Options.OptionalText("--data", $"Folder of your own pictures; up to {MaxPictures} of them are used. By default some are drawn.");
        Option<int> repeats = Options.Of("--repeats", "Timed runs over all pictures after the warm-up, at least 5.", 5);
        Option<bool> json = Options.Json();
        Command command = new("data", "Decoding, the evaluation transform and the augmentation 2 x 224 + 8 x 96, on one core.") { data, repeats, json };
        return command.Does((parsed, cancellation) =>
        {
            byte[][] files = parsed.GetValue(data) is { } folder ? Read(ImageFolder.Open(folder)) : Draw();
            int repetitions = BenchTiming.RaiseRepeats(parsed.GetValue(repeats));
            using CpuDevice device = new(1);
            EvaluationTransform evaluation = new(new Preprocessing());
            MultiCropAugmentation augmentation = new(new MultiCropOptions());
            BenchStage Stage(string name, Action<Image, int> process)
            {
                BenchTiming timing = BenchTiming.Of(() => ForEach(files, process), repetitions, cancellation);
                return new BenchStage(name, timing.PerSecond(files.Length));
            }

            BenchStage[] stages = [Stage("decode", (_, _) => { }), Stage("decode + evaluate", Views(evaluation)), Stage("decode + augment", Views(augmentation))];
            BenchDataOutput output = new(stages, files.Length, BenchTiming.PeakMemory(), 1, device.InstructionSet);
            if (parsed.GetValue(json))
            {
                JsonOutput.Print(output, CliJson.Default.BenchDataOutput);
                return 0;
            }

            foreach (BenchStage stage in stages)
                Console.Out.WriteLine($"{stage.Name}: {stage.ImagesPerSecond} images/s");
            Console.Out.WriteLine($"{output.Pictures} pictures, 1 thread, {output.InstructionSet}");
            return 0;
        });
    }

    private static void ForEach(byte[][] files, Action<Image, int> process)
    {
        for (int i = 0; i < files.Length; i++)
            process(ImageFile.Decode(files[i]), i);
    }

    /// <summary>All views of a picture into one buffer.</summary>
    private static Action<Image, int> Views(ISampleTransform transform)
    {
        ISampleWriter writer = transform.CreateWriter();
        float[] buffer = new float[3 * transform.ViewSizes.Max(size => size * size)];
        return (image, index) =>
        {
            for (int view = 0; view < transform.ViewSizes.Count; view++)
            {
                int size = transform.ViewSizes[view];
                writer.Write(image, view, new CounterRandom(new RandomKey(0, 0, (uint)index, (uint)view)), buffer.AsSpan(0, 3 * size * size));
            }
        };
    }

    private static byte[][] Read(ImageFolder folder) => [.. folder.Samples.Take(MaxPictures).Select(sample => File.ReadAllBytes(sample.Path))];

    private static byte[][] Draw() => [.. Enumerable.Range(0, DrawnPictures.ClassNames.Count).Select(@class =>
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(DrawnPictures.Draw(@class, new RandomKey(1), DrawnSize), stream);
        return stream.ToArray();
    })];
}
