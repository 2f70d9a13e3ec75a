using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Dino.Ssl.Evaluation;

/// <summary>Sums over rows of matrices on the host, in double precision and in fixed order.</summary>
internal static class RowMath
{
    /// <summary>Fewest columns whose means one task takes: two cache lines of every row.</summary>
    private const int MinColumnsPerTask = 32;

    public static bool AreFinite(ReadOnlySpan<float> values) => values.IsEmpty || float.IsFinite(TensorPrimitives.MaxMagnitude(values));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = (double)a[i] - b[i];
            sum += difference * difference;
        }

        return sum;
    }

    /// <summary>‖row‖² of each row.</summary>
    public static double[] Squares(float[] matrix, int width)
    {
        double[] squares = new double[matrix.Length / width];
        for (int i = 0; i < squares.Length; i++)
            squares[i] = Dot(matrix.AsSpan(i * width, width), matrix.AsSpan(i * width, width));
        return squares;
    }

    /// <summary>Divides rows by their norm; a row of zeros stays one.</summary>
    public static void Normalize(float[] matrix, int width)
    {
        for (int i = 0; i < matrix.Length; i += width)
        {
            Span<float> row = matrix.AsSpan(i, width);
            double norm = Math.Sqrt(Dot(row, row));
            if (norm > 0)
                TensorPrimitives.Divide(row, (float)norm, row);
        }
    }

    /// <summary>The mean of the rows of each cluster, or its direction; a cluster without rows, or without a direction, keeps its centre.</summary>
    public static void Means(float[] matrix, int width, int[] labels, int[] counts, float[] centres, bool areDirections)
    {
        double[] sums = new double[centres.Length];
        // Tasks own columns and go over all rows in order: no sum depends on who takes part, nor on how many columns a task has.
        int columns = Math.Max(MinColumnsPerTask, (width + Environment.ProcessorCount - 1) / Environment.ProcessorCount);
        Parallel.For(0, (width + columns - 1) / columns, task =>
        {
            int first = task * columns, length = Math.Min(columns, width - first);
            for (int i = 0; i < labels.Length; i++)
                Add(matrix.AsSpan((i * width) + first, length), sums.AsSpan((labels[i] * width) + first, length));
        });
        for (int cluster = 0; cluster < counts.Length; cluster++)
        {
            Span<double> sum = sums.AsSpan(cluster * width, width);
            double divisor = areDirections ? TensorPrimitives.Norm<double>(sum) : counts[cluster];
            if (!(divisor > 0))
                continue;
            for (int j = 0; j < width; j++)
                centres[(cluster * width) + j] = (float)(sum[j] / divisor);
        }
    }

    /// <summary>sum += row; lanes do not meet, so the order of the sum is that of the calls.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(ReadOnlySpan<float> row, Span<double> sum)
    {
        int j = 0;
        for (; j <= row.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(row[j..]), out Vector<double> low, out Vector<double> high);
            Span<double> target = sum[j..];
            (new Vector<double>(target) + low).CopyTo(target);
            target = target[Vector<double>.Count..];
            (new Vector<double>(target) + high).CopyTo(target);
        }

        for (; j < row.Length; j++)
            sum[j] += row[j];
    }
}
