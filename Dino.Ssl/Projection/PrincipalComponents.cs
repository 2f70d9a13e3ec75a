using System.Numerics;
using System.Numerics.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>
/// Principal component analysis: the orthogonal directions in which rows vary most. Computed in double precision; results do not depend on the number of threads.
/// </summary>
/// <remarks>
/// Of each direction and its opposite the one is taken whose entry of largest magnitude is positive, as in scikit-learn since 1.5. A direction in which the rows
/// do not vary at all is zero: which one it would be is chance.
/// </remarks>
public sealed class PrincipalComponents
{
    /// <summary>Variances below this share of the largest are raised to it before anything is divided by them, as in the official evaluation of retrieval.</summary>
    private const double WhiteningFloor = 1e-5;

    private readonly double[] _mean, _components, _variances;

    private PrincipalComponents(double[] mean, double[] components, double[] variances, double total)
    {
        (_mean, _components, _variances, TotalVariance) = (mean, components, variances, total);
        for (int i = 0; i < Count; i++)
        {
            Span<double> component = components.AsSpan(i * Width, Width);
            if (component[TensorPrimitives.IndexOfMaxMagnitude<double>(component)] < 0)
                TensorPrimitives.Negate<double>(component, component);
        }
    }

    /// <summary>D.</summary>
    public int Width => _mean.Length;

    /// <summary>Number of components.</summary>
    public int Count => _variances.Length;

    /// <summary>Mean of the rows [D], which projections leave out.</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>Variance along each component, with N - 1 as the divisor; falling.</summary>
    public ReadOnlySpan<double> Variances => _variances;

    /// <summary>Sum of the variances of all columns.</summary>
    public double TotalVariance { get; }

    /// <summary>The components of a matrix.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">[N, D], row-major, finite.</param>
    /// <param name="width">D.</param>
    /// <param name="count">Components to keep, at most the smaller of N and D; 0 for all.</param>
    /// <param name="threads">Threads that compute; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops between rows of the decomposition.</param>
    /// <exception cref="ArgumentException">The values are no rows of this width, are not finite, or do not have so many components.</exception>
    public static PrincipalComponents Of<T>(ReadOnlySpan<T> rows, int width, int count = 0, int threads = 0, CancellationToken cancellationToken = default)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (rows.IsEmpty || rows.Length % width != 0)
            throw new ArgumentException($"PCA: {rows.Length} values are no rows of width {width}.", nameof(rows));
        if (!T.IsFinite(TensorPrimitives.MaxMagnitude(rows)))
            throw new ArgumentException("PCA: the values must be finite.", nameof(rows));
        int height = rows.Length / width;
        count = Counted(count, Math.Min(height, width));
        double[] mean = RowProducts.Mean(rows, width);
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads > 0 ? threads : -1, CancellationToken = cancellationToken };
        double divisor = Math.Max(1, height - 1);
        if (height >= width)
            return OfSymmetric(RowProducts.OfColumns(rows, width, mean, divisor, parallel), mean, count, parallel);

        // The smaller product has the same eigenvalues; Xᵀ u has the direction of the component that belongs to u.
        double[] centred = new double[rows.Length];
        RowProducts.Centre(rows, mean, centred);
        (double[] values, double[] vectors) = SymmetricEigen.Decompose(RowProducts.OfRows(centred, width, divisor, parallel), height, cancellationToken);
        double[] components = new double[count * width];
        for (int i = 0; i < count; i++)
        {
            Span<double> component = components.AsSpan(i * width, width);
            for (int r = 0; r < height; r++)
                TensorPrimitives.MultiplyAdd(centred.AsSpan(r * width, width), vectors[(i * height) + r], component, component);
            if (TensorPrimitives.Norm<double>(component) is var norm and > 0)
                TensorPrimitives.Divide(component, norm, component);
        }

        return Create(mean, values, components, count, values.Sum());
    }

    /// <summary>The components that belong to a covariance matrix.</summary>
    /// <param name="covariance">[D, D], symmetric, finite.</param>
    /// <param name="mean">[D]; zero if empty.</param>
    /// <param name="count">Components to keep; 0 for all.</param>
    /// <param name="cancellationToken">Stops between rows of the decomposition.</param>
    /// <exception cref="ArgumentException">The matrix is not square, not finite, or does not fit the mean or the count.</exception>
    public static PrincipalComponents OfCovariance(ReadOnlySpan<double> covariance, ReadOnlySpan<double> mean = default, int count = 0, CancellationToken cancellationToken = default)
    {
        int width = (int)Math.Round(Math.Sqrt(covariance.Length));
        if (width == 0 || covariance.Length != (long)width * width || (!mean.IsEmpty && mean.Length != width))
            throw new ArgumentException($"PCA: {covariance.Length} values and a mean of {mean.Length} are no covariance [D, D] and mean [D].", nameof(covariance));
        if (!double.IsFinite(TensorPrimitives.MaxMagnitude(covariance)))
            throw new ArgumentException("PCA: the covariance must be finite.", nameof(covariance));
        return OfSymmetric(covariance.ToArray(), mean.IsEmpty ? new double[width] : mean.ToArray(), Counted(count, width), new ParallelOptions { CancellationToken = cancellationToken });
    }

    /// <summary>A component, a unit vector [D].</summary>
    public ReadOnlySpan<double> Component(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return _components.AsSpan(index * Width, Width);
    }

    /// <summary>The share of the variance that a component explains, 0 to 1.</summary>
    public double Share(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return TotalVariance > 0 ? _variances[index] / TotalVariance : 0;
    }

    /// <summary>The coordinates of rows along the components.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">[M, D]: those of the analysis or others.</param>
    /// <param name="whitening">Coordinates are divided by variance to this power: 0 leaves them, 0.5 gives each component a variance of 1.</param>
    /// <returns>[M, <see cref="Count"/>].</returns>
    /// <exception cref="ArgumentException">The values are no rows of width D.</exception>
    public double[] Project<T>(ReadOnlySpan<T> rows, double whitening = 0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (rows.Length % Width != 0)
            throw new ArgumentException($"PCA: {rows.Length} values are no rows of width {Width}.", nameof(rows));
        ArgumentOutOfRangeException.ThrowIfNegative(whitening);
        int height = rows.Length / Width;
        double[] row = new double[Width], coordinates = new double[height * Count];
        double[] divisors = [.. _variances.Select(variance => Math.Pow(Math.Max(variance, WhiteningFloor * _variances[0]), whitening))];
        for (int i = 0; i < height; i++)
        {
            RowProducts.Centre(rows.Slice(i * Width, Width), _mean, row);
            for (int c = 0; c < Count; c++)
                coordinates[(i * Count) + c] = divisors[c] > 0 ? TensorPrimitives.Dot<double>(row, _components.AsSpan(c * Width, Width)) / divisors[c] : 0;
        }

        return coordinates;
    }

    private static int Counted(int count, int most)
    {
        if (count < 0 || count > most)
            throw new ArgumentException($"PCA: there are at most {most} components, not {count}: no more than rows, and no more than columns.", nameof(count));
        return count == 0 ? most : count;
    }

    private static PrincipalComponents OfSymmetric(double[] covariance, double[] mean, int count, ParallelOptions parallel)
    {
        int width = mean.Length;
        double total = 0;
        for (int i = 0; i < width; i++)
            total += covariance[(i * width) + i];
        (double[] values, double[] vectors) = LeadingEigen.TryDecompose(covariance, width, count, parallel) ?? SymmetricEigen.Decompose(covariance, width, parallel.CancellationToken);
        return Create(mean, values, vectors[..(count * width)], count, total);
    }

    private static PrincipalComponents Create(double[] mean, double[] values, double[] components, int count, double total)
    {
        // Rounding leaves this much of eigenvalues that are zero, on either side of it.
        double nothing = mean.Length * 1e-15 * Math.Max(0, values[0]);
        for (int i = 0; i < count; i++)
        {
            if (values[i] > nothing)
                continue;
            values[i] = 0;
            components.AsSpan(i * mean.Length, mean.Length).Clear();
        }

        return new PrincipalComponents(mean, components, values[..count], Math.Max(0, total));
    }
}
