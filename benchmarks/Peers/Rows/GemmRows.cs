namespace Dino.Benchmarks.Peers.Rows;

/// <summary>Matrix products of ViT-S: forward (NT, weights [out, in]), gradient of the input (NN) and of the weights (TN), attention, prototypes.</summary>
internal static class GemmRows
{
    public const string Group = "gemm";
    private const int Prototypes = 65536;

    private static readonly (string Kind, int M, int N, int K, int Batch, string Name)[] s_products =
    [
        ("NT", 197, 1152, 384, 1, "qkv, 1 picture"),
        ("NT", 197, 384, 384, 1, "projection, 1 picture"),
        ("NT", 197, 1536, 384, 1, "MLP in, 1 picture"),
        ("NT", 197, 384, 1536, 1, "MLP out, 1 picture"),
        ("NT", 1576, 1152, 384, 1, "qkv, 8 pictures"),
        ("NT", 1576, 1536, 384, 1, "MLP in, 8 pictures"),
        ("NT", 1576, 384, 1536, 1, "MLP out, 8 pictures"),
        ("NT", 6304, 1536, 384, 1, "MLP in, 32 pictures"),
        ("NT", 80, Prototypes, 256, 1, "prototypes, 80 views"),
        ("NN", 1576, 384, 1536, 1, "input gradient of MLP in"),
        ("NN", 1576, 1536, 384, 1, "input gradient of MLP out"),
        ("TN", 1536, 384, 1576, 1, "weight gradient of MLP in"),
        ("TN", 384, 1536, 1576, 1, "weight gradient of MLP out"),
        ("TN", 1152, 384, 6304, 1, "weight gradient of qkv, 32 pictures"),
        ("NT", 197, 197, 64, 48, "attention scores, 8 pictures"),
        ("NN", 197, 64, 197, 48, "attention output, 8 pictures"),
    ];

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        foreach (int threads in settings.Threads)
        {
            foreach ((string kind, int m, int n, int k, int batch, string name) in s_products)
            {
                double work = Work.Product(m, n, k, batch);
                Contender Library(string column, string library) => contenders.Native(column, "peer-gemm", threads, work, library, kind, m, n, k, batch, threads);
                Contender[] all =
                [
                    ContenderFactory.Own(work, "gemm", kind, m, n, k, batch, threads),
                    Library("oneDNN, packed weights", "packed"), Library("oneDNN sgemm", "plain"), Library("OpenBLAS", "openblas"),
                ];
                // A sum of K terms of order 0.1 in single precision.
                // Weights of a network that is not being trained can be packed beforehand on our side too.
                if (kind == "NT" && batch == 1 && n < Prototypes)
                    yield return new Row(Group, $"{name}, packed: {m} x {n} x {k} {kind}", threads, Unit.Gflops, [ContenderFactory.Own(work, "packed", m, n, k, threads), all[1]], 1e-3);
                yield return new Row(Group, $"{name}: {(batch > 1 ? $"{batch} x " : "")}{m} x {n} x {k} {kind}", threads, Unit.Gflops, all, 1e-3);
            }
        }
    }
}
