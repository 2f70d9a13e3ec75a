using System.Runtime.InteropServices;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Matching;

/// <summary>Finds where one picture shows what another shows: patches with the most similar features.</summary>
/// <remarks>Mutual nearest neighbours, also called best buddies, as in Amir et al. 2022, "Deep ViT features as dense visual descriptors".</remarks>
public static class PatchMatching
{
    /// <summary>The most similar patch of the second picture for each of the first.</summary>
    /// <param name="device">Where to compare.</param>
    /// <param name="first">L2-normalised features of the first picture.</param>
    /// <param name="second">L2-normalised features of the second.</param>
    /// <param name="mutual">Keeps only pairs in which each is the most similar to the other.</param>
    /// <returns>The most similar pairs first.</returns>
    /// <exception cref="ArgumentException">The features come from different networks.</exception>
    public static PatchMatch[] Find(Device device, PatchFeatures first, PatchFeatures second, bool mutual = true)
    {
        if (first.Width != second.Width)
            throw new ArgumentException($"Features of width {first.Width} and {second.Width} cannot be compared: they must come from one network.", nameof(second));
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor a = scope.Upload(first.Values, [first.Count, first.Width]), b = scope.Upload(second.Values, [second.Count, second.Width]);
        (int[] there, float[] similarities) = Nearest(a, b);
        int[] back = mutual ? Nearest(b, a).Indices : [];
        return [.. Enumerable.Range(0, first.Count)
            .Where(i => !mutual || back[there[i]] == i)
            .Select(i => new PatchMatch(i, there[i], similarities[i]))
            .OrderByDescending(match => match.Similarity).ThenBy(match => match.First)];
    }

    /// <summary>The best pairs that are spread over the first picture: none is near a better one.</summary>
    /// <param name="matches">The most similar pairs first.</param>
    /// <param name="rows">Patches in a column of the first picture.</param>
    /// <param name="columns">Patches in a row of the first picture.</param>
    /// <param name="count">How many pairs, at most.</param>
    /// <remarks>The distance kept is the largest, of a falling series, at which there are enough pairs.</remarks>
    public static PatchMatch[] Spread(IReadOnlyList<PatchMatch> matches, int rows, int columns, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        for (double distance = Math.Sqrt((double)rows * columns / count); distance > 1; distance *= 0.85)
        {
            PatchMatch[] kept = Apart(matches, columns, distance, count);
            if (kept.Length == count)
                return kept;
        }

        return [.. matches.Take(count)];
    }

    private static PatchMatch[] Apart(IReadOnlyList<PatchMatch> matches, int columns, double distance, int count)
    {
        List<PatchMatch> kept = new(count);
        foreach (PatchMatch match in matches)
        {
            (int row, int column) = Math.DivRem(match.First, columns);
            if (kept.Count < count && !kept.Exists(other => double.Hypot((other.First / columns) - row, (other.First % columns) - column) < distance))
                kept.Add(match);
        }

        return [.. kept];
    }

    private static (int[] Indices, float[] Similarities) Nearest(Tensor rows, Tensor among)
    {
        float[] similarities = rows.TopProducts(among, 1, out Tensor found).ToArray();
        int[] indices = new int[similarities.Length];
        rows.Device.Backend.Download(found.View, MemoryMarshal.AsBytes(indices.AsSpan()));
        return (indices, similarities);
    }
}
