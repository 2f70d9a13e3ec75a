namespace Dino.Ssl.Evaluation;

/// <summary>How well clusters agree with classes.</summary>
/// <param name="Purity">Share of the items that are of the most frequent class of their cluster. With as many clusters as items it is 1.</param>
/// <param name="NormalizedMutualInformation">Mutual information by the mean of both entropies, 0 to 1: 0 for independent labels, 1 for the same partition.</param>
/// <remarks>Manning, Raghavan and Schütze 2008, section 16.3; the arithmetic mean is scikit-learn's choice.</remarks>
public sealed record ClusterAgreement(double Purity, double NormalizedMutualInformation)
{
    /// <summary>Compares two partitions.</summary>
    /// <param name="clusters">Cluster of each item, from 0.</param>
    /// <param name="classes">Class of each item, from 0.</param>
    /// <exception cref="ArgumentException">No items, not as many of one as of the other, or a number below 0.</exception>
    public static ClusterAgreement Of(ReadOnlySpan<int> clusters, ReadOnlySpan<int> classes)
    {
        if (clusters.IsEmpty || clusters.Length != classes.Length)
            throw new ArgumentException($"{clusters.Length} clusters and {classes.Length} classes do not belong to the same items.", nameof(classes));
        (int rows, int columns) = (1 + Max(clusters), 1 + Max(classes));
        long[,] counts = new long[rows, columns];
        long[] clusterSizes = new long[rows], classSizes = new long[columns];
        for (int i = 0; i < clusters.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(clusters[i], nameof(clusters));
            ArgumentOutOfRangeException.ThrowIfNegative(classes[i], nameof(classes));
            counts[clusters[i], classes[i]]++;
            clusterSizes[clusters[i]]++;
            classSizes[classes[i]]++;
        }

        double total = clusters.Length, information = 0;
        long pure = 0;
        for (int row = 0; row < rows; row++)
        {
            long most = 0;
            for (int column = 0; column < columns; column++)
            {
                long count = counts[row, column];
                most = Math.Max(most, count);
                if (count > 0)
                    information += count / total * Math.Log(count * total / ((double)clusterSizes[row] * classSizes[column]));
            }

            pure += most;
        }

        double mean = (Entropy(clusterSizes, total) + Entropy(classSizes, total)) / 2;
        // One cluster and one class are the same partition.
        return new ClusterAgreement(pure / total, mean > 0 ? Math.Clamp(information / mean, 0, 1) : 1);
    }

    private static int Max(ReadOnlySpan<int> values) => System.Numerics.Tensors.TensorPrimitives.Max(values);

    private static double Entropy(long[] sizes, double total) => -sizes.Where(size => size > 0).Sum(size => size / total * Math.Log(size / total));
}
