using System.Runtime.CompilerServices;

namespace Dino.Ssl.Retrieval;

/// <summary>Tells how much two pictures look like copies of one another, for one thread.</summary>
/// <remarks>
/// Both are cut into overlapping windows of 8 x 8 or 4 x 4 cells. A window scores 1 - d² / (v + w + m² + c): mean squared difference, variances of both, squared difference
/// of the means, and what encoders change where there is nothing to see. That is Lin's concordance correlation (1989): it falls with every difference, of
/// structure, contrast, brightness or colour. The pictures score half the mean of the windows and half the worst of them: one that differs in a single place is another picture.
/// </remarks>
internal sealed class ThumbnailComparison
{
    /// <summary>Cells per axis of the coarsest grid.</summary>
    private const int LeastSide = 8;

    /// <summary>Squared grey levels that encoders change where there is nothing to see, of fine grids and of coarse ones, whose cells are means of few pixels.</summary>
    private const float FineFloor = 30, CoarseFloor = 60;

    /// <summary>Below these sides of a grid of cells a map of four numbers finds a likeness in anything.</summary>
    private const int LeastCropSide = 16;

    /// <summary>A map blurs what it moves: finer grids would see that.</summary>
    private const int LargestCropSide = 32;

    private readonly CropSearch _crops = new();
    private readonly Planes _a = new(), _b = new();

    /// <summary>How alike two pictures are that show the same section; at most 1.</summary>
    public double Similarity(Thumbnail a, Thumbnail b)
    {
        int side = SideFor(a, b);
        _a.Fill(a, side);
        _b.Fill(b, side);
        return Score(side, CropMap.Identity);
    }

    /// <summary>How alike two pictures are where they show the same, if one is a slight crop of the other; 0 if it is not.</summary>
    public double CropSimilarity(Thumbnail a, Thumbnail b)
    {
        int side = Math.Min(SideFor(a, b), LargestCropSide);
        if (side < LeastCropSide || _crops.Find(a, b) is not { } map)
            return 0;
        _a.Fill(a, side, map);
        _b.Fill(b, side);
        return Score(side, map);
    }

    /// <summary>Cells per axis: as fine as at least two pixels of the smaller picture make a cell. What encoders do to single pixels is lost in the mean.</summary>
    private static int SideFor(Thumbnail a, Thumbnail b)
    {
        int pixels = Math.Min(Math.Min(a.Width, a.Height), Math.Min(b.Width, b.Height)), side = Thumbnail.Side;
        while (side > LeastSide && side > pixels / 2)
            side /= 2;
        return side;
    }

    /// <summary>Colours are stored at half resolution in many pictures.</summary>
    private static int ColourSideFor(int side) => Math.Min(side / 2, Thumbnail.ColourSide);

    private double Score(int side, CropMap map)
    {
        double sum = 0, worst = 1;
        // A coarse grid has few cells: smaller windows make more of them.
        int windows = 0, window = side > 16 ? 8 : 4;
        for (int top = 0; top <= side - window; top += window / 2)
        {
            for (int left = 0; left <= side - window; left += window / 2)
            {
                if (!map.Covers(left, top, window, side))
                    continue;
                double score = WindowScore(side, left, top, window);
                (sum, worst, windows) = (sum + score, Math.Min(worst, score), windows + 1);
            }
        }

        return windows == 0 ? 0 : 0.5 * ((sum / windows) + worst);
    }

    private double WindowScore(int side, int left, int top, int window)
    {
        (float difference, float spread) = Moments(_a.Luminance, _b.Luminance, side, left, top, window);
        int colours = ColourSideFor(side), ratio = side / colours;
        (float blue, float blueSpread) = Moments(_a.Blue, _b.Blue, colours, left / ratio, top / ratio, window / ratio);
        (float red, float redSpread) = Moments(_a.Red, _b.Red, colours, left / ratio, top / ratio, window / ratio);
        return 1 - ((difference + blue + red) / (spread + blueSpread + redSpread + (side > 16 ? FineFloor : CoarseFloor)));
    }

    /// <summary>Mean squared difference, and the sum of both variances and the squared difference of means, which it never exceeds twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Difference, float Spread) Moments(float[] first, float[] second, int side, int left, int top, int length)
    {
        float a = 0, b = 0, aa = 0, bb = 0, dd = 0;
        for (int y = top; y < top + length; y++)
        {
            ReadOnlySpan<float> p = first.AsSpan((y * side) + left, length), q = second.AsSpan((y * side) + left, length);
            for (int x = 0; x < p.Length; x++)
            {
                float d = p[x] - q[x];
                (a, b, aa, bb, dd) = (a + p[x], b + q[x], aa + (p[x] * p[x]), bb + (q[x] * q[x]), dd + (d * d));
            }
        }

        float scale = 1f / (length * length);
        (a, b) = (a * scale, b * scale);
        return (dd * scale, (aa * scale) - (a * a) + (bb * scale) - (b * b) + ((a - b) * (a - b)));
    }

    /// <summary>A thumbnail at one size.</summary>
    private sealed class Planes
    {
        private readonly float[] _moved = new float[Thumbnail.Side * Thumbnail.Side];

        public float[] Luminance { get; } = new float[Thumbnail.Side * Thumbnail.Side];

        public float[] Blue { get; } = new float[Thumbnail.ColourSide * Thumbnail.ColourSide];

        public float[] Red { get; } = new float[Thumbnail.ColourSide * Thumbnail.ColourSide];

        public void Fill(Thumbnail thumbnail, int side)
        {
            Thumbnail.Pool<byte>(thumbnail.Luminance, Thumbnail.Side, side, Luminance);
            Thumbnail.Pool<byte>(thumbnail.Blue, Thumbnail.ColourSide, ColourSideFor(side), Blue);
            Thumbnail.Pool<byte>(thumbnail.Red, Thumbnail.ColourSide, ColourSideFor(side), Red);
        }

        /// <summary>The part that a map names.</summary>
        public void Fill(Thumbnail thumbnail, int side, CropMap map)
        {
            FillPlane(thumbnail.Luminance, Thumbnail.Side, side, map, Luminance);
            FillPlane(thumbnail.Blue, Thumbnail.ColourSide, ColourSideFor(side), map, Blue);
            FillPlane(thumbnail.Red, Thumbnail.ColourSide, ColourSideFor(side), map, Red);
        }

        private void FillPlane(byte[] source, int side, int target, CropMap map, float[] destination)
        {
            map.Sample(source, side, _moved);
            Thumbnail.Pool<float>(_moved.AsSpan(0, side * side), side, target, destination);
        }
    }
}
