using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Data;
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
        PrecisionOption precision = new(isForInference: true);
        Common common = new(precision);
        Option<int> image = Options.Of("--image-size", "Side of the pictures.", 224);
        Command command = new("forward", "CLS features of a batch.") { image };
        precision.AddTo(command);
        common.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            using Device device = common.Devices.Open(parsed);
            int size = parsed.GetValue(image), batch = common.BatchOf(parsed);
            using LoadedModel model = ModelFile.Untrained(common.Architecture.Resolve(parsed, size), device, format: precision.FormatOf(parsed));
            float[] pixels = Noise(batch * 3 * size * size), features = new float[batch * model.Backbone.Options.Width];
            BenchOutput output = common.Measure(parsed, device, model.Backbone.Options, () =>
            {
                using Scope scope = device.OpenScope(GradMode.Off);
                model.Backbone.Forward(scope.Upload(pixels, [batch, 3, size, size])).Read(features);
            }, cancellation) with { ImageSize = size, Precision = precision.NameOf(parsed), Int8InstructionSet = (device as CpuDevice)?.Int8InstructionSet };
            common.Print(parsed, output, $"{size} x {size} pixels, {output.Precision}", output.Int8InstructionSet is { } int8 ? $", int8: {int8}" : "");
            return 0;
        });
    }

    private static Command TrainStep()
    {
        PrecisionOption precision = new(isForInference: false);
        Common common = new(precision);
        Option<int> outDim = Options.Of("--out-dim", "Prototypes K.", 65536);
        Option<int> global = Options.Of("--global-size", "Side of the two global crops.", 224);
        Option<int> local = Options.Of("--local-size", "Side of the local crops.", 96);
        Option<int> crops = Options.Of("--local-crops", "Local crops of each picture.", 8);
        Command command = new("train-step", "A whole DINO step: teacher, student, loss, backward, optimizer, EMA.") { outDim, global, local, crops };
        precision.AddTo(command);
        common.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            using Device device = common.Devices.Open(parsed);
            if (parsed.GetValue(crops) is < 0 or > MultiCropOptions.MaxLocalCrops)
                throw new ArgumentException($"--local-crops must be 0 to {MultiCropOptions.MaxLocalCrops}, not {parsed.GetValue(crops)}.");
            (int batch, int prototypes, int globalSide, int localSide, int localViews) = (common.BatchOf(parsed), parsed.GetValue(outDim), parsed.GetValue(global), parsed.GetValue(local), parsed.GetValue(crops));
            BackboneOptions network = common.Architecture.Resolve(parsed, globalSide);
            DinoOptions defaults = new(), options = defaults with
            {
                Backbone = (network as VisionTransformerOptions ?? defaults.Backbone) with { DropPath = 0.1f },
                ResNet = network as ResNetOptions,
                Head = new DinoHeadOptions { Prototypes = prototypes },
                BatchSize = batch,
                Epochs = 1,
                WarmupEpochs = 0,
            };
            using DinoTrainer trainer = new(device, options, 1 << 20);
            CropView View(int side) => new(Noise(batch * 3 * side * side), side, side);
            CropView[] views = [View(globalSide), View(globalSide), .. Enumerable.Range(0, localViews).Select(_ => View(localSide))];
            BenchOutput output = common.Measure(parsed, device, options.Network, () => trainer.Step(views, batch), cancellation)
                with { GlobalSize = globalSide, LocalSize = localSide, LocalCrops = localViews, OutDim = prototypes, Precision = precision.NameOf(parsed) };
            common.Print(parsed, output, $"2 views of {globalSide} x {globalSide} and {localViews} of {localSide} x {localSide} pixels, K = {prototypes}");
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
    private sealed class Common(PrecisionOption precision)
    {
        private readonly Option<int> _batch = Options.Of("--batch", "Pictures at a time.", 8);
        private readonly Option<int> _repeats = Options.Of("--repeats", "Timed runs after the warm-up, at least 5.", 7);
        private readonly Option<bool> _json = Options.Json();

        public ArchitectureOptions Architecture { get; } = new();

        public DeviceOptions Devices { get; } = new(precision);

        public void AddTo(Command command)
        {
            Architecture.AddTo(command);
            command.Add(_batch);
            command.Add(_repeats);
            Devices.AddTo(command);
            command.Add(_json);
        }

        public int BatchOf(ParseResult parsed) => parsed.GetValue(_batch) is > 0 and int batch ? batch : throw new ArgumentException("--batch must be positive.");

        public BenchOutput Measure(ParseResult parsed, Device device, BackboneOptions network, Action run, CancellationToken cancellation)
        {
            int batch = BatchOf(parsed);
            BenchTiming timing = BenchTiming.Of(run, BenchTiming.RaiseRepeats(parsed.GetValue(_repeats)), cancellation);
            return new(timing.Median, timing.Min, timing.Max, timing.PerSecond(batch), BenchTiming.PeakMemory(), timing.Repeats, batch, DeviceOptions.Describe(device), (device as CpuDevice)?.Threads, (device as CpuDevice)?.InstructionSet, NetworkOutput.Of(network));
        }

        /// <param name="input">What the network was given, and in which form, in words.</param>
        /// <param name="machine">What else to say of the machine.</param>
        public void Print(ParseResult parsed, BenchOutput output, string input, string machine = "")
        {
            if (parsed.GetValue(_json))
                JsonOutput.Print(output, CliJson.Default.BenchOutput);
            else
                Console.Out.WriteLine($"{output.MedianMilliseconds} ms (min {output.MinMilliseconds}, max {output.MaxMilliseconds} of {output.Repeats}), {output.ImagesPerSecond} images/s, peak memory {output.PeakMemory} MB; {output.Network}; {input}, batch {output.Batch}; {output.Device}{machine}");
        }
    }
}
