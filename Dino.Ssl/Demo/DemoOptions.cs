using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;

namespace Dino.Ssl.Demo;

/// <summary>Settings of the demonstration: small enough for two minutes on two cores, otherwise the method as it is.</summary>
public sealed record DemoOptions
{
    /// <summary>Pictures of each class to train on.</summary>
    public int TrainPerClass { get; init; } = 160;

    /// <summary>Pictures of each class to ask about.</summary>
    public int TestPerClass { get; init; } = 60;

    /// <summary>Side of the square that features are computed on.</summary>
    public int EvaluationSize { get; init; } = 48;

    /// <summary>Seed of pictures, first weights and views.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Views of each picture.</summary>
    public MultiCropOptions Crops { get; init; } = new() { GlobalSize = 32, LocalSize = 16, LocalCrops = 4 };

    /// <summary>
    /// The run. Few pictures want few prototypes, a quick teacher (0.98) and a high learning rate; patches of 8 pixels show a stripe or a corner whole.
    /// </summary>
    public DinoOptions Dino { get; init; } = new()
    {
        Backbone = new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 96, Depth = 4, Heads = 3 },
        Head = new DinoHeadOptions { Prototypes = 128, Hidden = 512, Bottleneck = 64 },
        BatchSize = 32,
        Epochs = 45,
        WarmupEpochs = 2,
        LearningRate = 0.024,
        MomentumTeacher = 0.98,
        Seed = 1,
    };
}
