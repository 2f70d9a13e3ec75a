using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>CLS features of 224-pixel pictures.</summary>
internal static class ForwardRows
{
    public const string Group = "forward";

    private static readonly (string Architecture, string Name, int Batch)[] s_forwards =
        [("vit_small", "ViT-S/16", 1), ("vit_small", "ViT-S/16", 8), ("vit_small", "ViT-S/16", 32), ("vit_tiny", "ViT-Ti/16", 8)];

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        foreach (int threads in settings.Threads)
        {
            foreach ((string architecture, string name, int batch) in s_forwards)
            {
                Contender[] all =
                [
                    ContenderFactory.Own(batch, "forward", architecture, batch, threads, settings.Weights(architecture) ?? "none", WeightFormat.F32),
                    contenders.Torch("torch", "forward.py", threads, batch, "torch", architecture, batch, threads),
                    contenders.Torch("torch, traced and frozen", "forward.py", threads, batch, "traced", architecture, batch, threads),
                    contenders.Script("ONNX Runtime", "forward.py", threads, batch, "onnx", architecture, batch, threads),
                ];
                // Twelve blocks in single precision, features of order 1.
                yield return new Row(Group, $"{name}, batch {batch}", threads, Unit.MillisecondsPerPicture, all, 1e-3) { Seconds = Math.Max(settings.Seconds, settings.Seconds * batch / 8) };
            }
        }
    }
}
