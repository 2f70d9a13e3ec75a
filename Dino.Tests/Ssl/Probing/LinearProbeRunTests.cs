using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Ssl.Probing;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl.Probing;

/// <summary>Drawn pictures and a tiny network with first weights, for every run of these tests.</summary>
public sealed class ProbedPictures : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ProbedPictures()
    {
        DrawnPictures.WriteTo(_folder.Path("pictures"), trainPerClass: 8, testPerClass: 4, seed: 3, size: 32);
        (Train, Test) = (ImageFolder.Open(_folder.Path("pictures", "train")), ImageFolder.Open(_folder.Path("pictures", "test")));
    }

    public ImageFolder Train { get; }

    public ImageFolder Test { get; }

    public string Path(params string[] parts) => _folder.Path(parts);

    public static LoadedModel Model(Device device, ulong seed = 4, WeightFormat? format = null) =>
        ModelFile.Untrained(new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 24, Depth = 3, Heads = 2 }, device, seed, format);

    public void Dispose() => _folder.Dispose();
}

/// <summary>Probes of a frozen network, from pictures to a classifier.</summary>
public sealed class LinearProbeRunTests(ProbedPictures pictures) : IClassFixture<ProbedPictures>
{
    private static readonly LinearProbeOptions Short = new() { Heads = [new(3, true, 0.05), new(1, false, 0.02)], Epochs = 4, BatchSize = 32, Seed = 9 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Even_features_of_random_weights_beat_chance(bool isCached)
    {
        using TemporaryFolder folder = new();
        DrawnPictures.WriteTo(folder.Root, trainPerClass: 30, testPerClass: 10, seed: 6, size: 32);
        using CpuDevice device = new(2);
        using LoadedModel model = ModelFile.Untrained(new VisionTransformerOptions { ImageSize = 32, PatchSize = 4, Width = 48, Depth = 2, Heads = 2 }, device, seed: 1);
        LinearProbeOptions options = new() { Heads = [new LinearHead(1, true, 3)], Epochs = isCached ? 80 : 12, BatchSize = 32, ValidationEpochs = 100, IsCached = isCached };
        using LinearProbeRun run = new(model, ImageFolder.Open(folder.Path("train")), ImageFolder.Open(folder.Path("test")), options);
        LinearScore score = run.Run().Last![0];
        // Chance is 10 and 50 % with a loss of ln 10 = 2.30. Of 100 pictures 60 % are two deviations above 50 %.
        Assert.InRange(score.Top1, 11, 100);
        Assert.InRange(score.Top5, 60, 100);
        Assert.InRange(score.Loss, 0, 2.25);
    }

    [Theory]
    [InlineData(false, 4, 2)]
    [InlineData(false, 6, 1)]
    [InlineData(true, 1, 2)]
    [InlineData(true, 8, 1)]
    public void A_cancelled_run_resumes_bit_for_bit(bool isCached, int cancelAt, int threads)
    {
        LinearProbeOptions options = Short with { IsCached = isCached };
        string name = $"{isCached}-{cancelAt}";
        LinearProbeResult whole = Run(options, out string wholeState, $"{name}-whole");
        using CancellationTokenSource source = new();
        LinearProbeResult first = Run(options, out string state, $"{name}-parts", progress =>
        {
            if (progress.Step == cancelAt)
                source.Cancel();
        }, cancellationToken: source.Token);
        Assert.Equal((cancelAt, false), ((int)first.Step, first.Completed));
        LinearProbeResult second = Run(options, out _, $"{name}-parts", threads: threads);
        // 80 pictures: three batches an epoch, the last one of 16.
        Assert.Equal((12, true), ((int)second.Step, second.Completed));
        Assert.Equal(whole.Epochs.Select(Text), second.Epochs.Select(Text));
        AssertSameTensors(wholeState, state);

        static string Text(LinearEpoch epoch) => $"{epoch.Epoch} {epoch.Rate:r} {string.Join(" ", epoch.Losses)} {string.Join(" ", epoch.Scores!)}";
    }

    [Fact]
    public void Resuming_with_other_settings_or_another_network_is_refused_and_names_the_difference()
    {
        Run(Short with { Epochs = 1 }, out _, "other");
        Assert.Contains("seed was 9, now 8", Assert.Throws<InvalidDataException>(() => Run(Short with { Epochs = 1, Seed = 8 }, out _, "other")).Message, StringComparison.Ordinal);
        Assert.Contains("network was", Assert.Throws<InvalidDataException>(() => Run(Short with { Epochs = 1 }, out _, "other", networkSeed: 5)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_pictures_are_looked_at_as_often_as_asked_and_at_the_end()
    {
        LinearProbeResult result = Run(Short with { ValidationEpochs = 2, Epochs = 4, IsCached = true }, out _);
        Assert.Equal([true, false, true, true], result.Epochs.Select(epoch => epoch.Scores is not null));
        Assert.Equal(result.Last![result.Best!.Value].Top1, result.Last.Max(score => score.Top1));
        Assert.All(result.Epochs, epoch => Assert.True(result.PeakOf(0).Scores![0].Top1 >= (epoch.Scores?[0].Top1 ?? 0)));
    }

    [Fact]
    public void The_rate_falls_along_a_cosine_by_epochs_or_by_steps()
    {
        List<double> byEpoch = [], byStep = [];
        Run(Short with { IsCached = true }, out _, watch: progress => byEpoch.Add(progress.LearningRate));
        Run(Short with { IsCached = true, AnnealsEachStep = true }, out _, watch: progress => byStep.Add(progress.LearningRate));
        for (int step = 0; step < 12; step++)
        {
            // 0.05 for a batch of 256; the batch is 32.
            Assert.Equal(0.05 / 8 * 0.5 * (1 + Math.Cos(Math.PI * (step / 3) / 4)), byEpoch[step], 1e-12);
            Assert.Equal(0.05 / 8 * 0.5 * (1 + Math.Cos(Math.PI * step / 12)), byStep[step], 1e-12);
        }
    }

    [Fact]
    public void A_sweep_tries_the_grid_of_DINOv2_and_names_the_best()
    {
        LinearProbeOptions sweep = LinearProbeOptions.Sweep(blocks: 3);
        Assert.Equal(52, sweep.Heads.Distinct().Count());
        Assert.Equal([1, 3], sweep.Heads.Select(head => head.Blocks).Distinct());
        LinearProbeResult result = Run(sweep with { Epochs = 3, BatchSize = 32, IsCached = true }, out _);
        Assert.Equal(52, result.Last!.Count);
        Assert.Equal(result.Last.Max(score => score.Top1), result.Last[result.Best!.Value].Top1);
        Assert.Equal(13, LinearProbeOptions.Sweep(1, hasPatches: false).Heads.Count);
    }

    [Fact]
    public void A_saved_classifier_gives_the_accuracy_it_was_tested_with()
    {
        using CpuDevice device = new(1);
        using LoadedModel model = ProbedPictures.Model(device);
        using LinearProbeRun run = new(model, pictures.Train, pictures.Test, Short with { Epochs = 10, IsCached = true });
        LinearProbeResult result = run.Run();
        string path = pictures.Path("classifier.safetensors");
        using (LinearClassifier trained = run.ClassifierOf(0))
            trained.Save(path);
        using LinearClassifier classifier = LinearClassifier.Load(path, device);
        Assert.Equal(DrawnPictures.ClassNames.Order(StringComparer.Ordinal), classifier.Classes);
        Assert.Equal((new LinearHead(3, true, 0.05), result.Last![0]), (classifier.Head, classifier.Score!.Value));

        (IReadOnlyList<ClassifiedPicture> said, _) = classifier.Predict(model, pictures.Test, count: 10);
        int right = said.Zip(pictures.Test.Samples).Count(pair => pair.First.Classes[0].Number == pair.Second.Class);
        Assert.Equal(result.Last[0].Top1, 100.0 * right / pictures.Test.Count);
        Assert.All(said, picture => Assert.Equal(1, picture.Classes.Sum(one => one.Probability), 1e-5f));
        Assert.All(said, picture => Assert.Equal(picture.Classes.OrderByDescending(one => one.Probability), picture.Classes));

        // One picture alone is the same picture.
        IReadOnlyList<ClassPrediction> alone = classifier.Predict(model, ImageFile.Decode(pictures.Test.Samples[5].Path), count: 3);
        Assert.Equal(said[5].Classes.Take(3).Select(one => one.Name), alone.Select(one => one.Name));
        Assert.Equal(said[5].Classes[0].Probability, alone[0].Probability, 1e-5f);
    }

    [Fact]
    public void A_classifier_refuses_a_network_it_did_not_learn_from()
    {
        using CpuDevice device = new(1);
        using LoadedModel model = ProbedPictures.Model(device), other = ProbedPictures.Model(device, seed: 5);
        using LinearProbeRun run = new(model, pictures.Train, pictures.Test, Short with { Epochs = 1, IsCached = true });
        run.Run();
        using LinearClassifier classifier = run.ClassifierOf(0);
        Image image = ImageFile.Decode(pictures.Test.Samples[0].Path);
        Assert.Contains("other weights", Assert.Throws<ArgumentException>(() => classifier.Predict(other, image)).Message, StringComparison.Ordinal);
        // As adapters that were merged leave it: biases and norms are the same.
        using LoadedModel merged = ProbedPictures.Model(device);
        Parameter weight = merged.Backbone.Store.All.First(parameter => parameter.IsLinearWeight);
        float[] values = weight.Tensor.ToArray();
        values[0] += 1;
        StateDict.Write(weight.Tensor, values);
        Assert.Contains("other weights", Assert.Throws<ArgumentException>(() => classifier.Predict(merged, image)).Message, StringComparison.Ordinal);
        using LoadedModel wide = ModelFile.Untrained(new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 32, Depth = 3, Heads = 2 }, device);
        Assert.Contains("24 wide", Assert.Throws<ArgumentException>(() => classifier.Predict(wide, image)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("int8")]
    public void A_classifier_takes_its_network_in_fewer_bits(string format)
    {
        using CpuDevice device = new(1);
        using LoadedModel model = ProbedPictures.Model(device);
        using LinearProbeRun run = new(model, pictures.Train, pictures.Test, Short with { Epochs = 1, IsCached = true });
        run.Run();
        using LinearClassifier classifier = run.ClassifierOf(0);
        using LoadedModel packed = ProbedPictures.Model(device, format: format == "bf16" ? WeightFormat.BF16 : WeightFormat.I8);
        Assert.Equal(5, classifier.Predict(packed, ImageFile.Decode(pictures.Test.Samples[0].Path)).Count);
    }

    [Fact]
    public void A_damaged_or_foreign_file_is_not_taken_for_a_classifier()
    {
        Run(Short with { Epochs = 1, IsCached = true }, out string state, "foreign");
        Assert.Contains("not a linear classifier", Assert.Throws<InvalidDataException>(() => LinearClassifier.Load(state, CpuDevice.Shared)).Message, StringComparison.Ordinal);
        SafetensorsWriter writer = new();
        writer.Metadata["classifier"] = "{\"classes\":[\"a\",\"b\"]}";
        string damaged = pictures.Path("damaged.safetensors");
        writer.Metadata["format"] = "dino-linear-classifier-1";
        writer.Save(damaged);
        Assert.Contains("another version", Assert.Throws<InvalidDataException>(() => LinearClassifier.Load(damaged, CpuDevice.Shared)).Message, StringComparison.Ordinal);
        writer.Metadata["format"] = "dino-linear-classifier-2";
        writer.Save(damaged);
        Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => LinearClassifier.Load(damaged, CpuDevice.Shared)).Message, StringComparison.Ordinal);
    }

    private LinearProbeResult Run(
        LinearProbeOptions options, out string state, string? name = null, Action<LinearProbeProgress>? watch = null, int threads = 1, ulong networkSeed = 4, CancellationToken cancellationToken = default)
    {
        using CpuDevice device = new(threads);
        using LoadedModel model = ProbedPictures.Model(device, networkSeed);
        state = name is null ? "" : pictures.Path($"{name}.safetensors");
        using LinearProbeRun run = new(model, pictures.Train, pictures.Test, options) { StatePath = name is null ? null : state };
        run.ReadTrainingPictures(resume: name is not null, cancellationToken: CancellationToken.None);
        return run.Run(watch is null ? null : new Watcher(watch), cancellationToken);
    }

    private static void AssertSameTensors(string expected, string actual)
    {
        using SafetensorsFile a = SafetensorsFile.Open(expected), b = SafetensorsFile.Open(actual);
        Assert.Equal(a.Entries.Keys.Order(StringComparer.Ordinal), b.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (string name in a.Entries.Keys)
            Assert.Equal(a.ReadRaw(name), b.ReadRaw(name));
    }

    /// <summary>Reports at once: <see cref="Progress{T}"/> would do it later, on another thread.</summary>
    private sealed class Watcher(Action<LinearProbeProgress> watch) : IProgress<LinearProbeProgress>
    {
        public void Report(LinearProbeProgress value) => watch(value);
    }
}
