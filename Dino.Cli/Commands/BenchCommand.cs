using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino bench</c>: speed of this machine, after warm-up.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        Command command = new("bench", "Measure the speed of this machine: networks, pictures, k-NN.") { Forward(), TrainStep(), DataBenchmark.Create(), KnnBenchmark.Create() };
        return command;
    }

    private static Command Forward()
    {
        Common common = new();
        Option<int> image = Options.Of("--image-size", "Side of the pictures.", 224);
        PrecisionOption precision = new();
        Command command = new("forward", "CLS features of a batch.") { image };
        precision.AddTo(command);
        common.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            using CpuDevice device = common.Devices.Open(parsed);
            int size = parsed.GetValue(image), batch = common.BatchOf(parsed);
            using LoadedModel model = ModelFile.Untrained(common.Architecture.Resolve(parsed, size), device, format: precision.Of(parsed));
            float[] pixels = Noise(batch * 3 * size * size), features = new float[batch * model.Backbone.Options.Width];
            common.Measure(parsed, device, () =>
            {
                using Scope scope = device.OpenScope(GradMode.Off);
                model.Backbone.Forward(scope.Upload(pixels, [batch, 3, size, size])).Read(features);
            }, cancellation);
            return 0;
        });
    }

    private static Command TrainStep()
    {
        Common common = new();
        Option<int> outDim = Options.Of("--out-dim", "Prototypes K.", 65536);
        Option<int> global = Options.Of("--global-size", "Side of the two global crops.", 224);
        Option<int> local = Options.Of("--local-size", "Side of the local crops.", 96);
        Option<int> crops = Options.Of("--local-crops", "Local crops of each picture.", 8);
        Command command = new("train-step", "A whole DINO step: teacher, student, loss, backward, optimizer, EMA.") { outDim, global, local, crops };
        common.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            using CpuDevice device = common.Devices.Open(parsed);
            int batch = common.BatchOf(parsed);
            DinoOptions options = new()
            {
                Backbone = common.Architecture.Resolve(parsed, parsed.GetValue(global)) with { DropPath = 0.1f },
                Head = new DinoHeadOptions { Prototypes = parsed.GetValue(outDim) },
                BatchSize = batch,
                Epochs = 1,
                WarmupEpochs = 0,
            };
            using DinoTrainer trainer = new(device, options, 1 << 20);
            CropView View(int side) => new(Noise(batch * 3 * side * side), side, side);
            CropView[] views = [View(parsed.GetValue(global)), View(parsed.GetValue(global)), .. Enumerable.Range(0, parsed.GetValue(crops)).Select(_ => View(parsed.GetValue(local)))];
            common.Measure(parsed, device, () => trainer.Step(views, batch), cancellation);
            return 0;
        });
    }

    /// <summary>Uniform in [-1, 1).</summary>
    internal static float[] Noise(int count)
    {
        float[] values = new float[count];
        CounterRandom random = new(new RandomKey(0));
        foreach (ref float value in values.AsSpan())
            value = (2 * random.NextSingle()) - 1;
        return values;
    }

    /// <summary>What both benchmarks share.</summary>
    private sealed class Common
    {
        private readonly Option<int> _batch = Options.Of("--batch", "Pictures at a time.", 8);
        private readonly Option<int> _repeats = Options.Of("--repeats", "Timed runs after the warm-up, at least 5.", 7);
        private readonly Option<bool> _json = Options.Json();

        public ArchitectureOptions Architecture { get; } = new();

        public DeviceOptions Devices { get; } = new();

        public void AddTo(Command command)
        {
            Architecture.AddTo(command);
            command.Add(_batch);
            command.Add(_repeats);
            Devices.AddTo(command);
            command.Add(_json);
        }

        public int BatchOf(ParseResult parsed) => parsed.GetValue(_batch) is > 0 and int batch ? batch : throw new ArgumentException("--batch must be positive.");

        public void Measure(ParseResult parsed, CpuDevice device, Action run, CancellationToken cancellation)
        {
            int batch = BatchOf(parsed);
            BenchTiming timing = BenchTiming.Of(run, parsed.GetValue(_repeats), cancellation);
            BenchOutput output = new(timing.Median, timing.Min, timing.Max, timing.PerSecond(batch), BenchTiming.PeakMemory(), timing.Repeats, batch, device.Threads, device.InstructionSet);
            if (parsed.GetValue(_json))
                JsonOutput.Print(output, CliJson.Default.BenchOutput);
            else
                Console.Out.WriteLine($"{output.MedianMilliseconds} ms (min {output.MinMilliseconds}, max {output.MaxMilliseconds} of {output.Repeats}), {output.ImagesPerSecond} images/s, peak memory {output.PeakMemory} MB; batch {batch}, {device.Threads} threads, {device.InstructionSet}");
        }
    }
}
