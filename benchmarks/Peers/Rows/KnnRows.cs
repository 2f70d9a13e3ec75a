namespace Dino.Benchmarks.Peers.Rows;

/// <summary>20-NN accuracy of 10,000 queries among 50,000 features of width 384.</summary>
internal static class KnnRows
{
    public const string Group = "knn";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        string folder = Path.Combine(settings.WorkDirectory, "knn");
        KnnData.Write(folder, 50_000, 10_000);
        foreach (int threads in settings.Threads)
        {
            Contender[] all =
            [
                ContenderFactory.Own(1, "knn", folder, threads),
                contenders.Torch("official knn_classifier (torch)", "knn.py", threads, 1, "official", folder, threads),
                contenders.Script("scikit-learn", "knn.py", threads, 1, "sklearn", folder, threads),
            ];
            // Percent: neighbours at equal distance may be ordered differently.
            yield return new Row(Group, "10,000 x 50,000 x 384, k 20", threads, Unit.Seconds, all, 2e-3);
        }
    }
}
