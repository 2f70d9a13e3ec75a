namespace Dino.Tensors;

/// <summary>
/// Resampling along one axis is a linear map; this builds its matrix [output, input] with torch's conventions, so that interpolation of a
/// grid is two matrix products and its gradient comes for free.
/// </summary>
public static class InterpolationMatrix
{
    /// <param name="mode">Kernel.</param>
    /// <param name="input">Points given.</param>
    /// <param name="output">Points wanted.</param>
    /// <param name="scale">Output points per input point, if a scale factor was given rather than a size; 0 derives it from the lengths.</param>
    /// <param name="antialias">Widens the kernel when shrinking.</param>
    /// <param name="alignCorners">Maps first to first and last to last point.</param>
    /// <returns>Row-major [output, input].</returns>
    public static float[] Build(Interpolation mode, int input, int output, double scale = 0, bool antialias = false, bool alignCorners = false)
    {
        float[] matrix = new float[output * input];
        // torch computes coordinates in F32; rounding the step as it does keeps points on the same side of ties.
        float step = alignCorners ? (output > 1 ? (float)(input - 1) / (output - 1) : 0)
            : scale > 0 ? (float)(1 / scale)
            : (float)input / output;
        for (int o = 0; o < output; o++)
        {
            Span<float> row = matrix.AsSpan(o * input, input);
            if (mode == Interpolation.Nearest)
                row[Math.Min((int)MathF.Floor(o * step), input - 1)] = 1;
            else if (antialias)
                AddAntialiased(row, mode, step, o);
            else
                AddPointwise(row, mode, alignCorners ? step * o : (step * (o + 0.5f)) - 0.5f);
        }

        return matrix;
    }

    private static void AddPointwise(Span<float> row, Interpolation mode, float source)
    {
        if (mode == Interpolation.Bilinear)
        {
            source = Math.Max(source, 0);
            int low = Math.Min((int)source, row.Length - 1), high = Math.Min(low + 1, row.Length - 1);
            float weight = Math.Clamp(source - low, 0, 1);
            row[low] += 1 - weight;
            row[high] += weight;
            return;
        }

        int floor = (int)MathF.Floor(source);
        float t = source - floor;
        for (int k = -1; k <= 2; k++)
            row[Math.Clamp(floor + k, 0, row.Length - 1)] += Cubic(t - k, -0.75f);
    }

    private static void AddAntialiased(Span<float> row, Interpolation mode, float step, int o)
    {
        float shrink = Math.Max(step, 1), support = (mode == Interpolation.Bicubic ? 2 : 1) * shrink;
        float centre = step * (o + 0.5f);
        int start = Math.Max((int)(centre - support + 0.5f), 0), end = Math.Min((int)(centre + support + 0.5f), row.Length);
        float total = 0;
        for (int i = start; i < end; i++)
        {
            float x = (i - centre + 0.5f) / shrink;
            row[i] = mode == Interpolation.Bicubic ? Cubic(x, -0.5f) : Math.Max(1 - Math.Abs(x), 0);
            total += row[i];
        }

        for (int i = start; i < end; i++)
            row[i] /= total;
    }

    /// <summary>Keys 1981, eq. 4.</summary>
    private static float Cubic(float x, float a)
    {
        x = Math.Abs(x);
        return x <= 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
            : x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * a
            : 0;
    }
}
