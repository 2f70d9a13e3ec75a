namespace Dino.Ssl.Retrieval;

/// <summary>How one picture lies in another: a point (x, y) of the one is at (ScaleX · x + ShiftX, ScaleY · y + ShiftY) of the other, both from -1 to 1 across.</summary>
internal readonly record struct CropMap(double ScaleX, double ShiftX, double ScaleY, double ShiftY)
{
    /// <summary>Each picture must show this share of the other for one to be a slight crop of it.</summary>
    private const double LeastOverlap = 0.7;

    public static CropMap Identity { get; } = new(1, 0, 1, 0);

    /// <summary>Whether each picture shows most of the other.</summary>
    public bool IsSlight
    {
        get
        {
            (double x, double y) = (Inside(ScaleX, ShiftX), Inside(ScaleY, ShiftY));
            return ScaleX > 0 && ScaleY > 0 && x * y >= LeastOverlap && x * y * ScaleX * ScaleY >= LeastOverlap;
        }
    }

    /// <summary>Whether a square of cells lies inside the other picture.</summary>
    public bool Covers(int left, int top, int length, int side) => Covers(ScaleX, ShiftX, left, length, side) && Covers(ScaleY, ShiftY, top, length, side);

    /// <summary>A square picture seen through the map, interpolated between its cells; beyond its edge the edge goes on.</summary>
    public void Sample(ReadOnlySpan<byte> source, int side, Span<float> destination)
    {
        for (int v = 0; v < side; v++)
        {
            (int top, int bottom, float fy) = Place(ScaleY, ShiftY, v, side);
            for (int u = 0; u < side; u++)
            {
                (int left, int right, float fx) = Place(ScaleX, ShiftX, u, side);
                float upper = (source[(top * side) + left] * (1 - fx)) + (source[(top * side) + right] * fx);
                float lower = (source[(bottom * side) + left] * (1 - fx)) + (source[(bottom * side) + right] * fx);
                destination[(v * side) + u] = (upper * (1 - fy)) + (lower * fy);
            }
        }
    }

    private static (int First, int Second, float Weight) Place(double scale, double shift, int cell, int side)
    {
        double at = Math.Clamp((((scale * (((cell + 0.5) * 2 / side) - 1)) + shift + 1) * side / 2) - 0.5, 0, side - 1);
        int first = Math.Min((int)at, side - 2);
        return (first, first + 1, (float)(at - first));
    }

    private static bool Covers(double scale, double shift, int first, int length, int side)
    {
        // Half a cell of the edge is interpolated with itself, which does no harm.
        double slack = 1.0 / side, from = (scale * ((first * 2.0 / side) - 1)) + shift, to = (scale * (((first + length) * 2.0 / side) - 1)) + shift;
        return from >= -1 - slack && to <= 1 + slack;
    }

    /// <summary>The share of -1 to 1 that lands inside -1 to 1.</summary>
    private static double Inside(double scale, double shift)
    {
        double from = Math.Max(-1, (-1 - shift) / scale), to = Math.Min(1, (1 - shift) / scale);
        return Math.Max(0, (to - from) / 2);
    }
}
