using Dino.Ssl.Retrieval;

namespace Dino.Cli;

/// <summary>Pictures in the index and what became of them.</summary>
/// <param name="Completed">False if it was stopped: then the same call goes on, and the index is the one before.</param>
internal sealed record IndexOutput(bool Completed, int Count, int Added, int Changed, int Removed, int Kept, int Computed, int Skipped, string Output);

/// <param name="Folder">The paths of the hits are below it.</param>
/// <param name="Count">Pictures in the index.</param>
/// <param name="Sheet">Null if none was asked for.</param>
internal sealed record SearchOutput(string Image, string Folder, int Count, HitOutput[] Hits, string? Sheet);

internal sealed record HitOutput(string Path, float Score);

/// <param name="Count">Pictures that were compared.</param>
/// <param name="Copies">Pictures that are copies of better ones, and what they take.</param>
/// <param name="Groups">The best picture of each first.</param>
internal sealed record DedupOutput(int Count, int Skipped, double Threshold, int Copies, long CopyBytes, DuplicatePicture[][] Groups, string? List, string? Report)
{
    public static DedupOutput Of(DuplicateReport found, DuplicateOptions options, string? list, string? report) =>
        new(found.Count, found.Skipped.Count, options.Threshold, found.Copies.Count(), found.Copies.Sum(copy => copy.Bytes), [.. found.Groups.Select(group => group.ToArray())], list, report);
}

/// <param name="Sizes">Pictures of each cluster, falling.</param>
/// <param name="Purity">Null without classes, as is the mutual information.</param>
internal sealed record ClusterOutput(int Count, int Skipped, int[] Sizes, double Inertia, int Iterations, bool Converged, double? Purity, double? Nmi, string? Output, string? Sheet)
{
    public static ClusterOutput Of(PictureClusters clusters, int skipped, string? output, string? sheet) =>
        new(clusters.Features.Count, skipped, [.. clusters.Members.Select(members => members.Count)], clusters.Result.Inertia, clusters.Result.Iterations, clusters.Result.HasConverged, clusters.Agreement?.Purity, clusters.Agreement?.NormalizedMutualInformation, output, sheet);
}

/// <summary>A picture in the file of <c>dino cluster</c>.</summary>
internal sealed record ClusterMember(string Path, int Cluster, double Distance);
