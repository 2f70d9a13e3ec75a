using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>The nearest other rows of each row of a matrix, by Euclidean distance, the nearest first.</summary>
/// <param name="Count">k.</param>
/// <param name="Indices">[N, k].</param>
/// <param name="Squares">[N, k], squared distances, computed in double precision from the rows themselves.</param>
internal sealed record NearestRows(int Count, int[] Indices, double[] Squares)
{
    /// <summary>Elements of queries on the device at a time.</summary>
    private const int ChunkElements = 4 << 20;

    /// <summary>N.</summary>
    public int Rows => Indices.Length / Count;

    /// <summary>Searches among all pairs; the search is that of k-NN, on the device.</summary>
    /// <param name="count">k, less than N.</param>
    public static NearestRows Find(Device device, float[] rows, int width, int count, ParallelOptions parallel)
    {
        int height = rows.Length / width;
        int[] found = count == height - 1 ? [] : Search(device, rows, width, count + 1, parallel.CancellationToken);
        int[] indices = new int[checked(height * count)];
        double[] squares = new double[indices.Length];
        Parallel.For(0, height, parallel, i =>
        {
            // A row is its own nearest one, unless others are equal to it and come first.
            IEnumerable<int> candidates = found.Length == 0 ? Enumerable.Range(0, height) : new ArraySegment<int>(found, i * (count + 1), count + 1);
            Span<int> own = indices.AsSpan(i * count, count);
            Span<double> distances = squares.AsSpan(i * count, count);
            int taken = 0;
            foreach (int j in candidates)
            {
                if (j != i && taken < count)
                    (own[taken], distances[taken++]) = (j, RowMath.SquaredDistance(rows.AsSpan(i * width, width), rows.AsSpan(j * width, width)));
            }

            distances.Sort(own);
        });
        return new NearestRows(count, indices, squares);
    }

    private static int[] Search(Device device, float[] rows, int width, int count, CancellationToken cancellationToken)
    {
        int height = rows.Length / width, chunk = Math.Clamp(ChunkElements / width, 64, Math.Max(64, height));
        int[] indices = new int[checked(height * count)];
        using EuclideanSearch search = new(device, rows, width);
        for (int start = 0; start < height; start += chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            search.Of(start, Math.Min(chunk, height - start), count).CopyTo(indices, start * count);
        }

        return indices;
    }
}
