using System.Numerics.Tensors;
using Dino.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>The largest eigenvalues of a wide symmetric matrix, where a full decomposition would take far longer.</summary>
/// <remarks>
/// Subspace iteration with Rayleigh-Ritz projections (Golub and Van Loan, section 8.2) from a block a little wider than what is wanted. Its speed depends on the gap
/// behind the block: if there is none it gives up, and the full decomposition is the answer.
/// </remarks>
internal static class LeadingEigen
{
    /// <summary>Below this the full decomposition takes a moment.</summary>
    private const int LeastWidth = 512;

    private const int Surplus = 8, MaxIterations = 150;

    /// <summary>Residual of a vector, as a share of the largest eigenvalue, at which it is found.</summary>
    private const double Tolerance = 1e-11;

    /// <summary>Decomposes a matrix.</summary>
    /// <param name="matrix">[n, n], symmetric and finite; left as it is.</param>
    /// <param name="n">Its side.</param>
    /// <param name="count">Eigenvalues wanted.</param>
    /// <returns>At least so many eigenvalues, falling, and their unit eigenvectors as rows; null where the full decomposition is the better way.</returns>
    public static (double[] Values, double[] Vectors)? TryDecompose(double[] matrix, int n, int count, ParallelOptions parallel)
    {
        int block = count + Surplus;
        if (n < LeastWidth || 16 * block > n)
            return null;
        double[] vectors = new double[block * n], images = new double[block * n], spare = new double[block * n], projected = new double[block * block];
        CounterRandom random = new(new RandomKey(0));
        for (int i = 0; i < vectors.Length; i++)
            vectors[i] = random.NextDouble(-1, 1);
        for (int iteration = 0; iteration < MaxIterations; iteration++)
        {
            Orthonormalize(vectors, n);
            Parallel.For(0, n, parallel, row =>
            {
                for (int v = 0; v < block; v++)
                    images[(v * n) + row] = TensorPrimitives.Dot<double>(matrix.AsSpan(row * n, n), vectors.AsSpan(v * n, n));
            });
            for (int a = 0; a < block; a++)
            {
                for (int b = a; b < block; b++)
                    projected[(a * block) + b] = projected[(b * block) + a] = TensorPrimitives.Dot<double>(vectors.AsSpan(a * n, n), images.AsSpan(b * n, n));
            }

            (double[] values, double[] turn) = SymmetricEigen.Decompose(projected, block, parallel.CancellationToken);
            (vectors, spare) = (Turned(vectors, turn, n, spare), vectors);
            (images, spare) = (Turned(images, turn, n, spare), images);
            if (!(values[0] > 0))
                return null;
            if (Residual(vectors, images, values, n, count) <= Tolerance * values[0])
                return (values, vectors);
            (vectors, images) = (images, vectors);
        }

        return null;
    }

    /// <summary>Gram and Schmidt's, twice: the second time removes what rounding left.</summary>
    private static void Orthonormalize(double[] vectors, int n)
    {
        for (int v = 0; v < vectors.Length; v += n)
        {
            Span<double> vector = vectors.AsSpan(v, n);
            for (int pass = 0; pass < 2; pass++)
            {
                for (int before = 0; before < v; before += n)
                    TensorPrimitives.MultiplyAdd(vectors.AsSpan(before, n), -TensorPrimitives.Dot<double>(vectors.AsSpan(before, n), vector), vector, vector);
                // A vector that depends on the others stays what rounding makes of it: it is beyond the rank, and its value is zero.
                if (TensorPrimitives.Norm<double>(vector) is var norm and > 0)
                    TensorPrimitives.Divide(vector, norm, vector);
            }
        }
    }

    /// <summary>turn · vectors, into <paramref name="result"/>.</summary>
    private static double[] Turned(double[] vectors, double[] turn, int n, double[] result)
    {
        int block = vectors.Length / n;
        Array.Clear(result);
        for (int i = 0; i < block; i++)
        {
            for (int v = 0; v < block; v++)
                TensorPrimitives.MultiplyAdd(vectors.AsSpan(v * n, n), turn[(i * block) + v], result.AsSpan(i * n, n), result.AsSpan(i * n, n));
        }

        return result;
    }

    private static double Residual(double[] vectors, double[] images, double[] values, int n, int count)
    {
        double largest = 0;
        double[] difference = new double[n];
        for (int i = 0; i < count; i++)
        {
            TensorPrimitives.MultiplyAdd(vectors.AsSpan(i * n, n), -values[i], images.AsSpan(i * n, n), difference);
            largest = Math.Max(largest, TensorPrimitives.Norm<double>(difference));
        }

        return largest;
    }
}
