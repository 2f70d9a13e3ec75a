using System.Numerics.Tensors;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Retrieval;

/// <summary>Pictures in clusters, numbered from the largest to the smallest.</summary>
/// <param name="Features">The pictures and their features.</param>
/// <param name="Labels">Cluster of each picture.</param>
/// <param name="Members">Pictures of each cluster, the nearest to its centre first: rows of <paramref name="Features"/>.</param>
/// <param name="Distances">Of each picture to its centre: Euclidean, or 1 less the cosine of spherical clusters.</param>
/// <param name="Result">What k-means said, with numbers of its own.</param>
/// <param name="Agreement">With the classes of the pictures; null if they have none.</param>
public sealed record PictureClusters(
    FeatureSet Features, int[] Labels, IReadOnlyList<IReadOnlyList<int>> Members, double[] Distances, KMeansResult Result, ClusterAgreement? Agreement)
{
    /// <summary>Clusters features.</summary>
    /// <param name="device">Where to compute.</param>
    /// <param name="features">Normalised or not.</param>
    /// <param name="options">How many clusters, and of what.</param>
    /// <param name="progress">Assignments made, of those allowed.</param>
    /// <param name="cancellationToken">Stops between assignments.</param>
    /// <exception cref="ArgumentException">Fewer pictures than clusters.</exception>
    public static PictureClusters Of(Device device, FeatureSet features, KMeansOptions options, IProgress<RetrievalProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (features.Count < options.Clusters)
            throw new ArgumentException($"{(features.Count == 1 ? "One picture is" : $"{features.Count} pictures are")} too few for {options.Clusters} clusters.", nameof(options));
        KMeansResult result = KMeans.Run(device, features.Values, features.Width, options, progress: new StageProgress(progress, "assignments at most", options.MaxIterations), cancellationToken: cancellationToken);
        double[] distances = new double[features.Count];
        for (int i = 0; i < distances.Length; i++)
        {
            ReadOnlySpan<float> row = features.Values.AsSpan(i * features.Width, features.Width), centre = result.Centres.AsSpan(result.Labels[i] * features.Width, features.Width);
            distances[i] = options.IsSpherical ? 1 - TensorPrimitives.CosineSimilarity(row, centre) : TensorPrimitives.Distance(row, centre);
        }

        int[][] members = [.. Enumerable.Range(0, options.Clusters)
            .Select(cluster => Enumerable.Range(0, features.Count).Where(i => result.Labels[i] == cluster).OrderBy(i => distances[i]).ToArray())
            .OrderByDescending(cluster => cluster.Length)];
        int[] labels = new int[features.Count];
        foreach ((int cluster, int[] rows) in members.Index())
        {
            foreach (int row in rows)
                labels[row] = cluster;
        }

        ClusterAgreement? agreement = features.Classes.Count > 1 && features.Labels.All(label => label >= 0) ? ClusterAgreement.Of(labels, features.Labels) : null;
        return new PictureClusters(features, labels, members, distances, result, agreement);
    }
}
