namespace Dino.Benchmarks.Peers.Rows;

/// <summary>Whole DINO steps on fixed crops, with the official code.</summary>
internal static class TrainRows
{
    public const string Group = "train";

    private static readonly (string Architecture, string Name, int Prototypes, int Batch)[] s_steps =
    [
        ("vit_small", "ViT-S/16, K 65536, batch 8", 65536, 8),
        ("vit_tiny", "ViT-Ti/16, K 65536, batch 8", 65536, 8),
        ("cifar", "ViT-Ti/4 at 32 pixels, 2 + 4 crops, K 4096, batch 64", 4096, 64),
    ];

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        foreach (int threads in settings.Threads)
        {
            foreach ((string architecture, string name, int prototypes, int batch) in s_steps)
            {
                Contender[] all =
                [
                    ContenderFactory.Own(1, "train", architecture, prototypes, batch, threads),
                    contenders.Torch("torch", "train.py", threads, 1, architecture, prototypes, batch, threads),
                ];
                // The first loss: first weights are random, so only its size is the same.
                yield return new Row(Group, name, threads, Unit.Seconds, all, 0.05);
            }
        }
    }
}
