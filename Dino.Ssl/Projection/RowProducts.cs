using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Dino.Ssl.Projection;

/// <summary>Means and products of the rows of a matrix in double precision. No sum depends on the number of threads.</summary>
internal static class RowProducts
{
    /// <summary>Rows that are widened at a time: 1536 of them are 3 MB, which the cores share in the cache.</summary>
    private const int Block = 256;

    /// <summary>The mean of each column.</summary>
    public static double[] Mean<T>(ReadOnlySpan<T> rows, int width)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double[] mean = new double[width], row = new double[width];
        int count = rows.Length / width;
        for (int i = 0; i < count; i++)
        {
            TensorPrimitives.ConvertTruncating(rows.Slice(i * width, width), row.AsSpan());
            TensorPrimitives.Add<double>(mean, row, mean);
        }

        TensorPrimitives.Divide(mean, Math.Max(1, count), mean);
        return mean;
    }

    /// <summary>Rows less a mean, widened.</summary>
    public static void Centre<T>(ReadOnlySpan<T> rows, ReadOnlySpan<double> mean, Span<double> centred)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        TensorPrimitives.ConvertTruncating(rows, centred);
        for (int i = 0; i < centred.Length; i += mean.Length)
            TensorPrimitives.Subtract(centred.Slice(i, mean.Length), mean, centred.Slice(i, mean.Length));
    }

    /// <summary>Xᵀ X / divisor [width, width] of the centred rows X.</summary>
    public static double[] OfColumns<T>(ReadOnlySpan<T> rows, int width, double[] mean, double divisor, ParallelOptions parallel)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double[] product = new double[checked(width * width)], block = new double[Block * width];
        int count = rows.Length / width;
        for (int start = 0; start < count; start += Block)
        {
            int height = Math.Min(Block, count - start);
            Centre(rows.Slice(start * width, height * width), mean, block.AsSpan(0, height * width));
            // A task owns a row of the product and adds the rows of the block in order.
            Parallel.For(0, width, parallel, i =>
            {
                Span<double> target = product.AsSpan((i * width) + i, width - i);
                int r = 0;
                for (; r <= height - 4; r += 4)
                    AddFour(target, block.AsSpan((r * width) + i), width);
                for (; r < height; r++)
                    TensorPrimitives.MultiplyAdd(block.AsSpan((r * width) + i, width - i), block[(r * width) + i], target, target);
            });
        }

        return Mirrored(product, width, divisor);
    }

    /// <summary>X Xᵀ / divisor [rows, rows] of rows that are centred.</summary>
    public static double[] OfRows(double[] centred, int width, double divisor, ParallelOptions parallel)
    {
        int count = centred.Length / width;
        double[] product = new double[checked(count * count)];
        Parallel.For(0, count, parallel, i =>
        {
            for (int j = i; j < count; j++)
                product[(i * count) + j] = TensorPrimitives.Dot<double>(centred.AsSpan(i * width, width), centred.AsSpan(j * width, width));
        });
        return Mirrored(product, count, divisor);
    }

    /// <summary>target += Σ row[0] · row over four rows, which lie <paramref name="stride"/> apart: the sum is read and written once for them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(Span<double> target, ReadOnlySpan<double> rows, int stride)
    {
        (double a, double b, double c, double d) = (rows[0], rows[stride], rows[2 * stride], rows[3 * stride]);
        ReadOnlySpan<double> first = rows[..target.Length], second = rows.Slice(stride, target.Length), third = rows.Slice(2 * stride, target.Length), fourth = rows.Slice(3 * stride, target.Length);
        int j = 0;
        for (; j <= target.Length - Vector<double>.Count; j += Vector<double>.Count)
        {
            Vector<double> sum = (new Vector<double>(first[j..]) * a) + (new Vector<double>(second[j..]) * b) + (new Vector<double>(third[j..]) * c) + (new Vector<double>(fourth[j..]) * d);
            (new Vector<double>(target[j..]) + sum).CopyTo(target[j..]);
        }

        for (; j < target.Length; j++)
            target[j] += (first[j] * a) + (second[j] * b) + (third[j] * c) + (fourth[j] * d);
    }

    private static double[] Mirrored(double[] product, int side, double divisor)
    {
        for (int i = 0; i < side; i++)
        {
            for (int j = i; j < side; j++)
                product[(i * side) + j] = product[(j * side) + i] = product[(i * side) + j] / divisor;
        }

        return product;
    }
}
