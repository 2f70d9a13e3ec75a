using System.Runtime.CompilerServices;

namespace Dino.Ssl.Retrieval;

/// <summary>Finds how one thumbnail lies in another if one is a slight crop of the other, for one thread.</summary>
/// <remarks>Least squares over scale and shift of both axes (Lucas and Kanade 1981), Gauss-Newton steps from coarse to fine.</remarks>
internal sealed class CropSearch
{
    private const int StepsPerLevel = 6;

    /// <summary>Side of the level at which starts are compared, and hopeless ones given up.</summary>
    private const int JudgedSide = 16;

    /// <summary>Squares left over at that level, as a share of those of the picture, beyond which nothing fits. Crops leave a tenth to a third.</summary>
    private const double MostLeft = 0.6;

    /// <summary>Coarse starts reach far, fine ones get along where the coarse picture is noise, as that of gravel is.</summary>
    private static readonly (int Side, double Scale)[] s_starts = [(8, 1), (16, 1), (16, 0.92)];

    private readonly float[] _fixed = new float[Thumbnail.Side * Thumbnail.Side], _moving = new float[Thumbnail.Side * Thumbnail.Side];
    private double _left;

    /// <summary>The map from points of <paramref name="part"/> to points of <paramref name="whole"/>; null if there is none that is a slight crop.</summary>
    public CropMap? Find(Thumbnail whole, Thumbnail part)
    {
        CropMap? best = null;
        double left = MostLeft;
        foreach ((int start, double scale) in s_starts)
        {
            CropMap? map = new CropMap(scale, 0, scale, 0);
            for (int side = start; side <= JudgedSide && map is not null; side *= 2)
                map = Descend(whole, part, map.Value, side);
            if (map is not null && _left < left)
                (best, left) = (map, _left);
        }

        for (int side = 2 * JudgedSide; side <= Thumbnail.Side && best is not null; side *= 2)
            best = Descend(whole, part, best.Value, side);
        return best;
    }

    /// <summary>Steps at one level until they are small.</summary>
    private CropMap? Descend(Thumbnail whole, Thumbnail part, CropMap map, int side)
    {
        Thumbnail.Pool<byte>(whole.Luminance, Thumbnail.Side, side, _moving);
        Thumbnail.Pool<byte>(part.Luminance, Thumbnail.Side, side, _fixed);
        for (int step = 0; step < StepsPerLevel; step++)
        {
            if (Improve(map, side) is not { } next || !next.IsSlight)
                return null;
            (CropMap before, map) = (map, next);
            if (Math.Abs(map.ScaleX - before.ScaleX) + Math.Abs(map.ShiftX - before.ShiftX) + Math.Abs(map.ScaleY - before.ScaleY) + Math.Abs(map.ShiftY - before.ShiftY) < 0.02 / side)
                break;
        }

        return map;
    }

    /// <summary>One Gauss-Newton step, and what was left over before it; null where the pictures say nothing about it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private CropMap? Improve(CropMap map, int side)
    {
        Span<double> normal = stackalloc double[20];
        Span<float> row = stackalloc float[4];
        float toUnit = 2f / side, half = side / 2f;
        normal.Clear();
        (double sum, double squares, double left, int count) = (0, 0, 0, 0);
        for (int v = 0; v < side; v++)
        {
            float y = ((v + 0.5f) * toUnit) - 1, atY = (((float)map.ScaleY * y) + (float)map.ShiftY + 1) * half - 0.5f;
            int top = (int)MathF.Floor(atY);
            if (top < 0 || top > side - 2)
                continue;
            float fy = atY - top;
            for (int u = 0; u < side; u++)
            {
                float x = ((u + 0.5f) * toUnit) - 1, atX = (((float)map.ScaleX * x) + (float)map.ShiftX + 1) * half - 0.5f;
                int column = (int)MathF.Floor(atX);
                if (column < 0 || column > side - 2)
                    continue;
                float fx = atX - column;
                int at = (top * side) + column;
                float a = _moving[at], b = _moving[at + 1], c = _moving[at + side], d = _moving[at + side + 1];
                float value = (((a * (1 - fx)) + (b * fx)) * (1 - fy)) + (((c * (1 - fx)) + (d * fx)) * fy);
                // Derivatives by the unit coordinates of the whole picture.
                float dx = (((b - a) * (1 - fy)) + ((d - c) * fy)) * half, dy = (((c - a) * (1 - fx)) + ((d - b) * fx)) * half;
                float wanted = _fixed[(v * side) + u], residual = wanted - value;
                (sum, squares, left, count) = (sum + wanted, squares + (wanted * wanted), left + (residual * residual), count + 1);
                (row[0], row[1], row[2], row[3]) = (dx * x, dx, dy * y, dy);
                for (int i = 0, n = 0; i < 4; i++)
                {
                    for (int j = 0; j <= i; j++, n++)
                        normal[n] += row[i] * row[j];
                    normal[10 + i] += row[i] * residual;
                }
            }
        }

        _left = left / Math.Max(1, squares - (sum * sum / Math.Max(1, count)));
        return Solve(normal) is { } step ? new CropMap(map.ScaleX + step[0], map.ShiftX + step[1], map.ScaleY + step[2], map.ShiftY + step[3]) : null;
    }

    /// <summary>Solves the 4 x 4 normal equations, lower triangle first, by Cholesky; null if they are singular.</summary>
    private static double[]? Solve(ReadOnlySpan<double> normal)
    {
        Span<double> lower = stackalloc double[10];
        double[] x = new double[4];
        for (int i = 0, row = 0; i < 4; row += ++i)
        {
            for (int j = 0, other = 0; j <= i; other += ++j)
            {
                double sum = normal[row + j];
                for (int k = 0; k < j; k++)
                    sum -= lower[row + k] * lower[other + k];
                if (i == j && sum <= 1e-9 * normal[row + i])
                    return null;
                lower[row + j] = i == j ? Math.Sqrt(sum) : sum / lower[other + j];
            }
        }

        for (int i = 0, row = 0; i < 4; row += ++i)
        {
            double sum = normal[10 + i];
            for (int k = 0; k < i; k++)
                sum -= lower[row + k] * x[k];
            x[i] = sum / lower[row + i];
        }

        for (int i = 3; i >= 0; i--)
        {
            double sum = x[i];
            for (int k = i + 1; k < 4; k++)
                sum -= lower[(k * (k + 1) / 2) + i] * x[k];
            x[i] = sum / lower[(i * (i + 1) / 2) + i];
        }

        return x;
    }
}
