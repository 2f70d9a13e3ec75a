using System.Numerics.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>All eigenvalues and eigenvectors of a symmetric matrix, in double precision on one thread: the order of every sum is fixed.</summary>
/// <remarks>
/// Householder's reduction to a tridiagonal matrix, then the QL iteration with implicit shifts (Golub and Van Loan, Matrix Computations, chapter 8).
/// Vectors are kept as rows, so that a rotation of two of them runs over contiguous memory.
/// </remarks>
internal static class SymmetricEigen
{
    /// <summary>Rotations that an eigenvalue may take; two are usual, and more than a handful never occurs with finite values.</summary>
    private const int MaxIterations = 60;

    /// <summary>Decomposes a matrix.</summary>
    /// <param name="matrix">[n, n], symmetric and finite; overwritten.</param>
    /// <param name="n">Its side.</param>
    /// <param name="cancellationToken">Looked at once a row.</param>
    /// <returns>Eigenvalues, falling, and their unit eigenvectors as the rows of [n, n].</returns>
    public static (double[] Values, double[] Vectors) Decompose(double[] matrix, int n, CancellationToken cancellationToken = default)
    {
        double[] diagonal = new double[n], beside = new double[n], reflectors = new double[(long)n * n];
        Reduce(matrix, n, diagonal, beside, reflectors, cancellationToken);
        double[] vectors = Accumulate(reflectors, n, cancellationToken);
        Iterate(diagonal, beside, vectors, n, cancellationToken);
        return Sorted(diagonal, vectors, n);
    }

    /// <summary>matrix = Q T Qᵀ: one reflection I - v vᵀ a column, with ‖v‖² = 2 and v stored in a row of <paramref name="reflectors"/>.</summary>
    private static void Reduce(double[] matrix, int n, double[] diagonal, double[] beside, double[] reflectors, CancellationToken cancellationToken)
    {
        double[] product = new double[n];
        for (int k = 0; k < n; k++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            diagonal[k] = matrix[(k * n) + k];
            int length = n - k - 1;
            if (length == 0)
                break;
            Span<double> column = matrix.AsSpan((k * n) + k + 1, length), v = reflectors.AsSpan((k * n) + k + 1, length);
            beside[k] = Reflector(column, v);
            Span<double> p = product.AsSpan(0, length);
            for (int i = 0; i < length; i++)
                p[i] = TensorPrimitives.Dot<double>(Row(matrix, n, k, i, length), v);
            // (I - v vᵀ) A (I - v vᵀ) = A - v wᵀ - w vᵀ with w = A v - ½ (vᵀ A v) v.
            TensorPrimitives.MultiplyAdd(v, -0.5 * TensorPrimitives.Dot<double>(p, v), p, p);
            for (int i = 0; i < length; i++)
            {
                Span<double> row = Row(matrix, n, k, i, length);
                TensorPrimitives.MultiplyAdd(p, -v[i], row, row);
                TensorPrimitives.MultiplyAdd(v, -p[i], row, row);
            }
        }
    }

    private static Span<double> Row(double[] matrix, int n, int k, int i, int length) => matrix.AsSpan(((k + 1 + i) * n) + k + 1, length);

    /// <summary>The v for which (I - v vᵀ) x is a multiple of the first unit vector; returns that multiple. A zero v is the identity.</summary>
    private static double Reflector(ReadOnlySpan<double> x, Span<double> v)
    {
        double largest = Math.Abs(TensorPrimitives.MaxMagnitude(x));
        if (x.Length == 1 || largest == 0 || Math.Abs(TensorPrimitives.MaxMagnitude(x[1..])) == 0)
            return x[0];
        TensorPrimitives.Divide(x, largest, v);
        double norm = TensorPrimitives.Norm<double>(v);
        // The sign that adds magnitudes: the other one would cancel.
        double target = v[0] > 0 ? -norm : norm;
        v[0] -= target;
        TensorPrimitives.Multiply(v, Math.Sqrt(2) / TensorPrimitives.Norm<double>(v), v);
        return target * largest;
    }

    /// <summary>Qᵀ from the reflections, last one first: row i is column i of Q.</summary>
    private static double[] Accumulate(double[] reflectors, int n, CancellationToken cancellationToken)
    {
        double[] vectors = new double[(long)n * n];
        for (int i = 0; i < n; i++)
            vectors[(i * n) + i] = 1;
        for (int k = n - 2; k >= 0; k--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<double> v = reflectors.AsSpan((k * n) + k + 1, n - k - 1);
            // Rows and columns up to k are still those of the identity.
            for (int i = k + 1; i < n; i++)
            {
                Span<double> row = vectors.AsSpan((i * n) + k + 1, n - k - 1);
                TensorPrimitives.MultiplyAdd(v, -TensorPrimitives.Dot<double>(row, v), row, row);
            }
        }

        return vectors;
    }

    /// <summary>Makes the tridiagonal matrix diagonal, eigenvalue by eigenvalue, and turns the vectors with it.</summary>
    private static void Iterate(double[] diagonal, double[] beside, double[] vectors, int n, CancellationToken cancellationToken)
    {
        double[] spare = new double[n];
        for (int l = 0; l < n; l++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int iteration = 0; Split(diagonal, beside, l) is var end && end > l; iteration++)
            {
                if (iteration == MaxIterations)
                    throw new InvalidOperationException($"The eigenvalues of a matrix of {n} x {n} do not converge. Are all of its values finite?");
                Sweep(diagonal, beside, vectors, spare, n, l, end);
            }
        }
    }

    /// <summary>The end of the block that begins at a row: where the element beside the diagonal is nothing beside its neighbours.</summary>
    private static int Split(double[] diagonal, double[] beside, int first)
    {
        int end = first;
        while (end < diagonal.Length - 1 && Math.Abs(beside[end]) > double.Epsilon + (1.1e-16 * (Math.Abs(diagonal[end]) + Math.Abs(diagonal[end + 1]))))
            end++;
        return end;
    }

    /// <summary>One implicit QL step on rows l to end.</summary>
    private static void Sweep(double[] diagonal, double[] beside, double[] vectors, double[] spare, int n, int l, int end)
    {
        // Wilkinson's shift: the eigenvalue of the upper 2 x 2 corner that is nearer to its first element.
        double half = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l]);
        double root = double.Hypot(half, 1);
        double g = diagonal[end] - diagonal[l] + (beside[l] / (half + Math.CopySign(root, half)));
        double sine = 1, cosine = 1, shift = 0;
        for (int i = end - 1; i >= l; i--)
        {
            double f = sine * beside[i], b = cosine * beside[i], r = double.Hypot(f, g);
            beside[i + 1] = r;
            if (r == 0)
            {
                // The block fell apart on the way; the next step starts with the smaller one.
                diagonal[i + 1] -= shift;
                beside[end] = 0;
                return;
            }

            (sine, cosine) = (f / r, g / r);
            g = diagonal[i + 1] - shift;
            r = ((diagonal[i] - g) * sine) + (2 * cosine * b);
            shift = sine * r;
            diagonal[i + 1] = g + shift;
            g = (cosine * r) - b;
            Rotate(vectors.AsSpan(i * n, n), vectors.AsSpan((i + 1) * n, n), spare, cosine, sine);
        }

        diagonal[l] -= shift;
        beside[l] = g;
        beside[end] = 0;
    }

    /// <summary>(a, b) becomes (cosine a - sine b, sine a + cosine b).</summary>
    private static void Rotate(Span<double> a, Span<double> b, Span<double> spare, double cosine, double sine)
    {
        TensorPrimitives.Multiply(b, sine, spare);
        TensorPrimitives.Multiply(b, cosine, b);
        TensorPrimitives.MultiplyAdd(a, sine, b, b);
        TensorPrimitives.Multiply(a, cosine, a);
        TensorPrimitives.Subtract<double>(a, spare, a);
    }

    private static (double[] Values, double[] Vectors) Sorted(double[] values, double[] vectors, int n)
    {
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => values[i])];
        double[] sorted = new double[vectors.Length];
        foreach ((int to, int from) in order.Index())
            vectors.AsSpan(from * n, n).CopyTo(sorted.AsSpan(to * n));
        return ([.. order.Select(i => values[i])], sorted);
    }
}
