namespace Dino.Imaging.Transforms.Kernels;

/// <summary>
/// For one axis: which source pixels make each target pixel, and with which 22-bit fixed point weights. Weights are computed in
/// double, normalised to sum 1 and rounded half away from zero, which is what makes the result equal Pillow's bit for bit.
/// </summary>
internal sealed class ResampleWeights
{
    /// <summary>8 bits of pixel and 22 of weight leave two bits for negative lobes and overshoot.</summary>
    public const int FractionBits = 22;

    private double[] _exact = [];

    /// <summary>First source pixel of each target pixel.</summary>
    public int[] Start { get; private set; } = [];

    /// <summary>Number of source pixels of each target pixel, at most <see cref="Taps"/>.</summary>
    public int[] Count { get; private set; } = [];

    /// <summary>[Length, Taps]; zero behind each pixel's count.</summary>
    public int[] Values { get; private set; } = [];

    /// <summary>Number of target pixels.</summary>
    public int Length { get; private set; }

    /// <summary>Row length of <see cref="Values"/>: the largest count, rounded up to a multiple of 4.</summary>
    public int Taps { get; private set; }

    /// <summary>
    /// Fills the table for scaling <paramref name="sourceLength"/> pixels to <paramref name="fullLength"/>, of which it holds <paramref name="length"/> from
    /// <paramref name="first"/> on; mirrored, these run backwards.
    /// </summary>
    public void Compute(int sourceLength, int fullLength, int first, int length, ResizeFilter filter, bool mirror)
    {
        double scale = (double)sourceLength / fullLength;
        // Shrinking widens the filter so that every source pixel counts; growing leaves it as it is.
        double filterScale = Math.Max(1, scale);
        double support = Support(filter) * filterScale;
        double inverse = 1 / filterScale;
        int taps = ((Math.Min(sourceLength, ((int)Math.Ceiling(support) * 2) + 1) + 3) / 4) * 4;
        Reserve(length, taps);
        for (int i = 0; i < length; i++)
        {
            double center = (first + i + 0.5) * scale;
            int start = Math.Max(0, (int)(center - support + 0.5));
            int count = Math.Min(sourceLength, (int)(center + support + 0.5)) - start;
            Span<double> exact = _exact.AsSpan(0, count);
            double sum = 0;
            for (int t = 0; t < count; t++)
            {
                exact[t] = Weight(filter, (t + start - center + 0.5) * inverse);
                sum += exact[t];
            }

            int target = mirror ? length - 1 - i : i;
            Start[target] = start;
            Count[target] = count;
            Span<int> row = Values.AsSpan(target * taps, taps);
            for (int t = 0; t < count; t++)
            {
                double weight = (sum != 0 ? exact[t] / sum : exact[t]) * (1 << FractionBits);
                row[t] = (int)(weight < 0 ? weight - 0.5 : weight + 0.5);
            }

            row[count..].Clear();
        }
    }

    private void Reserve(int length, int taps)
    {
        (Length, Taps) = (length, taps);
        if (Start.Length < length)
            (Start, Count) = (new int[length], new int[length]);
        if (Values.Length < (long)length * taps)
            Values = new int[checked(length * taps)];
        if (_exact.Length < taps)
            _exact = new double[taps];
    }

    private static double Support(ResizeFilter filter) => filter switch
    {
        ResizeFilter.Box => 0.5,
        ResizeFilter.Bilinear or ResizeFilter.Hamming => 1,
        ResizeFilter.Bicubic => 2,
        ResizeFilter.Lanczos => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), $"{filter} has no weights."),
    };

    private static double Weight(ResizeFilter filter, double x) => filter switch
    {
        ResizeFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
        ResizeFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
        ResizeFilter.Hamming => Hamming(Math.Abs(x)),
        ResizeFilter.Bicubic => Bicubic(Math.Abs(x)),
        _ => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
    };

    // Keys 1981, "Cubic convolution interpolation", with a = -0.5.
    private static double Bicubic(double x) => x < 1 ? (((1.5 * x) - 2.5) * x * x) + 1
        : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * -0.5
        : 0;

    private static double Hamming(double x)
    {
        if (x == 0)
            return 1;
        if (x >= 1)
            return 0;
        x *= Math.PI;
        // The reference holds the two window constants as F32.
        return Math.Sin(x) / x * (0.54f + (0.46f * Math.Cos(x)));
    }

    private static double Sinc(double x)
    {
        if (x == 0)
            return 1;
        x *= Math.PI;
        return Math.Sin(x) / x;
    }
}
