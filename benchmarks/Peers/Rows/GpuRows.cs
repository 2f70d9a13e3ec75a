using Dino.Benchmarks.Peers.Own;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>Whole DINO steps, forward passes and augmentation on the first CUDA device, against torch or the CPU. Rows are asked for by name: machines without a GPU have none.</summary>
internal static class GpuRows
{
    public const string Group = "gpu";

    private static readonly string[] s_precisions = ["bf16", "tf32", "fp32"];

    private static readonly (string Architecture, string Name, int Batch)[] s_steps =
        [("vit_small", "ViT-S/16", 64), ("vit_small", "ViT-S/16", 128), ("vit_base", "ViT-B/16", 64)];

    private static readonly (string Architecture, string Name, int Patch)[] s_forwards = [("vit_small", "ViT-S/16", 16), ("vit_base", "ViT-B/14", 14)];

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        const int Prototypes = 65536;
        ContenderFactory contenders = new(settings);
        const int Pictures = 64;
        Contender Views(string device) => ContenderFactory.Own(Pictures, "views", Pictures, device);
        yield return new Row(
            Group, $"2 x 224 + 8 x 96 augmented views of {Pictures} decoded pictures of 500 x 375", 1, Unit.PicturesPerSecond,
            [Views(WorkloadDevice.Cuda + "fp32"), Views("1") with { Name = "one CPU core" }], 1e-6);
        foreach (string precision in s_precisions)
        {
            foreach ((string architecture, string name, int batch) in s_steps)
            {
                Contender[] all =
                [
                    ContenderFactory.Own(1, "train", architecture, Prototypes, batch, WorkloadDevice.Cuda + precision),
                    contenders.Script("torch", "train_cuda.py", 4, 1, "eager", precision, architecture, Prototypes, batch),
                    contenders.Script("torch.compile", "train_cuda.py", 4, 1, "compile", precision, architecture, Prototypes, batch),
                ];
                // The first loss: first weights are random, so only its size is the same.
                yield return new Row(Group, $"DINO step, {name}, K {Prototypes}, batch {batch}, {precision}", 1, Unit.Seconds, all, 0.05);
            }

            foreach ((string architecture, string name, int patch) in s_forwards)
            {
                foreach (int batch in (int[])[1, 32, 256])
                {
                    Contender[] all =
                    [
                        // Weights in the precision of products, as torch has them and the dino tool packs them.
                        ContenderFactory.Own(batch, "forward", $"{architecture}/{patch}", batch, WorkloadDevice.Cuda + precision, "none", precision == "bf16" ? "BF16" : "F32"),
                        contenders.Script("torch", "forward_cuda.py", 4, batch, "eager", precision, architecture, patch, batch),
                        contenders.Script("torch.compile", "forward_cuda.py", 4, batch, "compile", precision, architecture, patch, batch),
                    ];
                    yield return new Row(Group, $"{name}, batch {batch}, {precision}", 1, Unit.MillisecondsPerPicture, all, double.PositiveInfinity);
                }
            }
        }
    }
}
