using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>What embeddings begin with: rows that are fit, at their first two principal components.</summary>
internal static class PlaneStart
{
    /// <summary>Refuses what is not a matrix of finite values.</summary>
    public static void RequireRows(string method, ReadOnlySpan<float> rows, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (rows.IsEmpty || rows.Length % width != 0)
            throw new ArgumentException($"{method}: {rows.Length} values are no rows of width {width}.", nameof(rows));
        if (!RowMath.AreFinite(rows))
            throw new ArgumentException($"{method}: the values must be finite.", nameof(rows));
    }

    /// <param name="rows">[N, D].</param>
    /// <param name="width">D.</param>
    /// <param name="key">Of the noise that parts equal rows and rows on one line.</param>
    /// <param name="noise">Its size in deviations of the first component.</param>
    /// <returns>Coordinates in deviations of the first component.</returns>
    public static (float[] X, float[] Y) Of(float[] rows, int width, RandomKey key, double noise, ParallelOptions parallel)
    {
        int count = rows.Length / width;
        PrincipalComponents components = PrincipalComponents.Of<float>(rows, width, Math.Min(2, Math.Min(count, width)), parallel.MaxDegreeOfParallelism, parallel.CancellationToken);
        double[] coordinates = components.Project<float>(rows);
        double deviation = components.Variances[0] > 0 ? Math.Sqrt(components.Variances[0]) : 1;
        (float[] x, float[] y) = (new float[count], new float[count]);
        CounterRandom random = new(key);
        for (int i = 0; i < count; i++)
        {
            x[i] = (float)((coordinates[i * components.Count] / deviation) + random.NextDouble(-noise, noise));
            y[i] = (float)((components.Count > 1 ? coordinates[(i * components.Count) + 1] / deviation : 0) + random.NextDouble(-noise, noise));
        }

        return (x, y);
    }
}
