using System.Text.Json.Nodes;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>A folder of drawn pictures and settings that make every part of a run work - drop path, batch norm, local crops, frozen last layer - in a moment.</summary>
internal sealed class TinyRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Twenty pictures: five steps of four an epoch.</summary>
    public TinyRun() => DrawnPictures.WriteTo(_folder.Path("pictures"), trainPerClass: 2, testPerClass: 0, seed: 5, size: 24);

    public static MultiCropOptions Crops { get; } = new() { GlobalSize = 16, LocalSize = 8, LocalCrops = 2 };

    public static DinoOptions Dino { get; } = new()
    {
        Backbone = new VisionTransformerOptions { ImageSize = 16, PatchSize = 8, Width = 16, Depth = 2, Heads = 2, DropPath = 0.3f },
        Head = new DinoHeadOptions { Prototypes = 32, Hidden = 24, Bottleneck = 8, BatchNorm = true },
        BatchSize = 4,
        Epochs = 3,
        WarmupEpochs = 1,
        LearningRate = 0.02,
        MomentumTeacher = 0.9,
        WarmupTeacherTemperature = 0.03,
        WarmupTeacherTemperatureEpochs = 2,
        Seed = 11,
    };

    /// <summary>Folder of the pictures.</summary>
    public string Data => _folder.Path("pictures", "train");

    public string Output(string name) => _folder.Path(name);

    public RunOptions Options(string output) => new() { Data = Data, Output = Output(output), Dino = Dino, Crops = Crops, Workers = 2, SnapshotEpochs = 0 };

    /// <summary>Trains to the end, or until the watcher cancels.</summary>
    public static TrainingResult Train(RunOptions options, int threads = 1, Action<TrainingProgress>? watch = null, CancellationToken cancellationToken = default)
    {
        using CpuDevice device = new(threads);
        using TrainingRun run = new(device, options);
        return run.Run(new Watcher(watch), cancellationToken);
    }

    /// <summary>A trainer outside of a run.</summary>
    public static DinoTrainer Trainer(Device device, DinoOptions? options = null, int iterationsPerEpoch = 5, int accumulate = 1) =>
        new(device, options ?? Dino, iterationsPerEpoch) { Accumulate = accumulate };

    /// <summary>Views of noise for a batch of four, another for each number.</summary>
    public static CropView[] Views(uint number = 0)
    {
        return [View(0, 16), View(1, 16), View(2, 8), View(3, 8)];

        CropView View(uint view, int side)
        {
            CounterRandom random = new(new RandomKey(77, number, view));
            float[] pixels = new float[Dino.BatchSize * 3 * side * side];
            foreach (ref float pixel in pixels.AsSpan())
                pixel = (4 * random.NextSingle()) - 2;
            return new CropView(pixels, side, side);
        }
    }

    /// <summary>Weights, centre, optimizer state and position agree in every bit, in the checkpoint and in the weight files.</summary>
    public static void AssertSameState(string expectedFolder, string actualFolder)
    {
        foreach (string name in (string[])["checkpoint.safetensors", "student.safetensors", "teacher.safetensors"])
        {
            using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(expectedFolder, name)), actual = SafetensorsFile.Open(Path.Combine(actualFolder, name));
            Assert.Equal(expected.Metadata, actual.Metadata);
            Assert.Equal(expected.Entries.Keys.Order(StringComparer.Ordinal), actual.Entries.Keys.Order(StringComparer.Ordinal));
            foreach (string key in expected.Entries.Keys)
                Assert.True(expected.ReadRaw(key).AsSpan().SequenceEqual(actual.ReadRaw(key)), $"{name}: '{key}' differs.");
        }
    }

    /// <summary>The lines of the log without what depends on the clock.</summary>
    public static string[] LogWithoutSpeed(string folder) => [.. Log(folder).Select(line =>
    {
        line.Remove("images_per_second");
        line.Remove("seconds");
        return line.ToJsonString();
    })];

    public static JsonObject[] Log(string folder) => [.. File.ReadLines(Path.Combine(folder, "log.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];

    public static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Watcher(Action<TrainingProgress>? watch) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => watch?.Invoke(value);
    }
}
