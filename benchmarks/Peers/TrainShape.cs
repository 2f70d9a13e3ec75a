using Dino.Nn;

namespace Dino.Benchmarks.Peers;

/// <summary>Network and crops of a training row.</summary>
internal sealed record TrainShape(VisionTransformerOptions Backbone, int GlobalSize, int LocalSize, int LocalCrops)
{
    public static TrainShape Of(string architecture) => architecture == "cifar"
        ? new(VisionTransformerOptions.Tiny with { ImageSize = 32, PatchSize = 4 }, 32, 16, 4)
        : new(VisionTransformerOptions.ByName(architecture), 224, 96, 8);
}
