using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;

namespace Dino.Cli.Commands;

/// <summary>The options of <c>dino train</c> under the names of the official code; every default is the official one.</summary>
internal sealed class TrainOptions
{
    private static readonly DinoOptions Defaults = new();
    private static readonly MultiCropOptions Crops = new();

    private readonly ArchitectureOptions _architecture = new();
    private readonly Option<string> _data = Options.Required("--data", "Folder of pictures; sub-folders are fine.");
    private readonly Option<string> _output = Options.Required("--output", "Folder for weights, checkpoint and log.jsonl.");
    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Continue the run in the output folder, bit for bit; with a file, start from that checkpoint if the folder holds none: one of ours, or an official .pth.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "file",
    };

    private readonly Option<int> _imageSize = Options.Of("--image-size", "Side of the global crops.", Crops.GlobalSize);
    private readonly Option<int> _localSize = Options.Of("--local-size", "Side of the local crops.", Crops.LocalSize);
    private readonly Option<int> _localCrops = Options.Of("--local-crops", "Local crops of each picture.", Crops.LocalCrops);
    private readonly Option<double[]> _globalScale = Scale("--global-crops-scale", "Area of a global crop: smallest and largest share.", Crops.GlobalScale);
    private readonly Option<double[]> _localScale = Scale("--local-crops-scale", "Area of a local crop: smallest and largest share.", Crops.LocalScale);
    private readonly Option<int> _outDim = Options.Of("--out-dim", "Prototypes K. Try 1024 up to 20,000 pictures.", Defaults.Head.Prototypes);
    private readonly Option<int> _hidden = Options.Of("--hidden-dim", "Hidden width of the head.", Defaults.Head.Hidden);
    private readonly Option<int> _bottleneck = Options.Of("--bottleneck-dim", "Bottleneck width of the head.", Defaults.Head.Bottleneck);
    private readonly Option<bool> _normLast = Options.Of("--norm-last-layer", "Fix the lengths of the prototypes at 1.", true);
    private readonly Option<bool> _batchNorm = Options.Of("--use-bn-in-head", "Batch norm in the head.", false);
    private readonly Option<int> _batch = Options.Of("--batch-size", "Pictures per step.", Defaults.BatchSize);
    private readonly Option<int> _accumulate = Options.Of("--accumulate", "Parts that each batch is computed in, their gradients added up: 1/N of the memory for activations, the same step. Batch norm sees a part at a time.", 1);
    private readonly Option<int> _epochs = Options.Of("--epochs", "Passes over the pictures.", Defaults.Epochs);
    private readonly Option<string> _optimizer = Options.Of("--optimizer", "adamw, sgd or lars.", Defaults.Optimizer);
    private readonly Option<double> _lr = Options.Of("--lr", "Peak learning rate for a batch of 256; scaled by batch / 256.", Defaults.LearningRate);
    private readonly Option<double> _minLr = Options.Of("--min-lr", "Learning rate at the end.", Defaults.MinLearningRate);
    private readonly Option<int> _warmup = Options.Of("--warmup-epochs", "Epochs of learning rate warm-up.", Defaults.WarmupEpochs);
    private readonly Option<double> _decay = Options.Of("--weight-decay", "Weight decay at the start.", Defaults.WeightDecay);
    private readonly Option<double> _decayEnd = Options.Of("--weight-decay-end", "Weight decay at the end.", Defaults.WeightDecayEnd);
    private readonly Option<double> _momentum = Options.Of("--momentum-teacher", "EMA momentum of the teacher at the start; rises to 1. Use 0.9995 with a batch of 256.", Defaults.MomentumTeacher);
    private readonly Option<double> _temperature = Options.Of("--teacher-temp", "Teacher temperature after its warm-up. Lower it if the loss stands at ln K.", Defaults.TeacherTemperature);
    private readonly Option<double> _warmupTemperature = Options.Of("--warmup-teacher-temp", "Teacher temperature in epoch 0.", Defaults.WarmupTeacherTemperature);
    private readonly Option<int> _temperatureEpochs = Options.Of("--warmup-teacher-temp-epochs", "Epochs of teacher temperature warm-up.", Defaults.WarmupTeacherTemperatureEpochs);
    private readonly Option<double> _clip = Options.Of("--clip-grad", "Bound of each parameter's gradient norm; 0 for none.", Defaults.ClipGradient);
    private readonly Option<int> _freeze = Options.Of("--freeze-last-layer", "Epochs in which the head's last layer does not learn.", Defaults.FreezeLastLayer);
    private readonly Option<float> _dropPath = Options.Of("--drop-path", "Stochastic depth of the student.", Defaults.Backbone.DropPath);
    private readonly Option<long> _seed = Options.Of("--seed", "Seed of everything random.", 0L);
    private readonly Option<string> _augment = Options.Of("--augment", "Where views are made: cpu, or device for the GPU of --device cuda. Results do not depend on it.", "cpu");
    private readonly Option<int> _workers = Options.Of("--workers", "Threads that decode and augment; 0 chooses. Results do not depend on it.", 0);
    private readonly Option<int> _cache = Options.Of("--cache-mb", "Decoded pictures kept in memory, in MB.", 512);
    private readonly Option<int> _checkpointSteps = Options.Of("--checkpoint-steps", "Steps between checkpoints; 0 for one an epoch.", 0);
    private readonly Option<int> _snapshots = Options.Of("--saveckp-freq", "Epochs between checkpoints that are kept; 0 keeps the latest only.", 20);

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _data, _output, _resume, _imageSize, _localSize, _localCrops, _globalScale, _localScale, _outDim, _hidden, _bottleneck, _normLast, _batchNorm, _batch, _accumulate, _epochs,
            _optimizer, _lr, _minLr, _warmup, _decay, _decayEnd, _momentum, _temperature, _warmupTemperature, _temperatureEpochs, _clip, _freeze, _dropPath, _seed, _augment, _workers, _cache, _checkpointSteps, _snapshots,
        })
        {
            command.Add(option);
        }

        _architecture.AddTo(command);
    }

    public RunOptions Resolve(ParseResult parsed)
    {
        foreach (Option<int> size in (Option<int>[])[_outDim, _hidden, _bottleneck, _batch, _accumulate, _epochs])
            Require(parsed, size, least: 1);
        foreach (Option<int> count in (Option<int>[])[_localCrops, _workers, _cache, _checkpointSteps, _snapshots, _freeze])
            Require(parsed, count, least: 0);
        if (parsed.GetValue(_localCrops) > MultiCropOptions.MaxLocalCrops)
            throw new ArgumentException($"--local-crops must be 0 to {MultiCropOptions.MaxLocalCrops}, not {parsed.GetValue(_localCrops)}.");
        BackboneOptions network = _architecture.Resolve(parsed, parsed.GetValue(_imageSize));
        return Resolve(parsed, network as VisionTransformerOptions ?? Defaults.Backbone, network as ResNetOptions);
    }

    private RunOptions Resolve(ParseResult parsed, VisionTransformerOptions transformer, ResNetOptions? resNet) => new()
    {
        Data = parsed.GetValue(_data)!,
        Output = parsed.GetValue(_output)!,
        Resume = parsed.GetResult(_resume) is not null,
        ResumeFrom = parsed.GetValue(_resume),
        Augment = parsed.GetValue(_augment) switch
        {
            "cpu" => AugmentationPlace.Cpu,
            "device" => AugmentationPlace.Device,
            string other => throw new ArgumentException($"--augment is cpu or device, not '{other}'."),
            null => AugmentationPlace.Cpu,
        },
        Accumulate = parsed.GetValue(_accumulate),
        Workers = parsed.GetValue(_workers),
        CacheBytes = (long)parsed.GetValue(_cache) << 20,
        CheckpointSteps = parsed.GetValue(_checkpointSteps),
        SnapshotEpochs = parsed.GetValue(_snapshots),
        Crops = Crops with
        {
            GlobalSize = parsed.GetValue(_imageSize),
            LocalSize = parsed.GetValue(_localSize),
            LocalCrops = parsed.GetValue(_localCrops),
            GlobalScale = Pair(parsed, _globalScale),
            LocalScale = Pair(parsed, _localScale),
        },
        Dino = new DinoOptions
        {
            Backbone = transformer with { DropPath = parsed.GetValue(_dropPath) },
            ResNet = resNet,
            Head = new DinoHeadOptions
            {
                Prototypes = parsed.GetValue(_outDim),
                Hidden = parsed.GetValue(_hidden),
                Bottleneck = parsed.GetValue(_bottleneck),
                FixedLength = parsed.GetValue(_normLast),
                BatchNorm = parsed.GetValue(_batchNorm),
            },
            BatchSize = parsed.GetValue(_batch),
            Epochs = parsed.GetValue(_epochs),
            Optimizer = parsed.GetValue(_optimizer)!,
            LearningRate = parsed.GetValue(_lr),
            MinLearningRate = parsed.GetValue(_minLr),
            WarmupEpochs = parsed.GetValue(_warmup),
            WeightDecay = parsed.GetValue(_decay),
            WeightDecayEnd = parsed.GetValue(_decayEnd),
            MomentumTeacher = parsed.GetValue(_momentum),
            TeacherTemperature = parsed.GetValue(_temperature),
            WarmupTeacherTemperature = parsed.GetValue(_warmupTemperature),
            WarmupTeacherTemperatureEpochs = parsed.GetValue(_temperatureEpochs),
            ClipGradient = parsed.GetValue(_clip),
            FreezeLastLayer = parsed.GetValue(_freeze),
            Seed = (ulong)parsed.GetValue(_seed),
        },
    };

    private static void Require(ParseResult parsed, Option<int> option, int least)
    {
        if (parsed.GetValue(option) < least)
            throw new ArgumentException($"{option.Name} must be at least {least}, not {parsed.GetValue(option)}.");
    }

    private static Option<double[]> Scale(string name, string description, (double Min, double Max) value) => new(name)
    {
        Description = description,
        Arity = new ArgumentArity(2, 2),
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [value.Min, value.Max],
    };

    private static (double Min, double Max) Pair(ParseResult parsed, Option<double[]> option) => parsed.GetValue(option) is [double low, double high]
        ? low > 0 && low <= high && high <= 1 ? (low, high) : throw new ArgumentException($"{option.Name} are the least and the greatest scale, 0 < least <= greatest <= 1, not {low} {high}.")
        : throw new ArgumentException($"{option.Name} takes two numbers, such as {option.Name} 0.4 1.");
}
