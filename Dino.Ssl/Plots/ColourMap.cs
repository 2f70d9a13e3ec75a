namespace Dino.Ssl.Plots;

/// <summary>Turns a number in [0, 1] into a colour.</summary>
public sealed class ColourMap
{
    private const int Steps = 256;

    private readonly byte[] _table;

    private ColourMap(Func<double, (double R, double G, double B)> colour)
    {
        _table = new byte[Steps * 3];
        for (int i = 0; i < Steps; i++)
        {
            (double r, double g, double b) = colour(i / (Steps - 1.0));
            (_table[3 * i], _table[(3 * i) + 1], _table[(3 * i) + 2]) = (ToByte(r), ToByte(g), ToByte(b));
        }
    }

    /// <summary>Dark violet over green to yellow, even in lightness and safe for the colour-blind.</summary>
    /// <remarks>Sixth-degree fit of matplotlib's viridis (Zucker 2019, public domain); within 2 % of the original.</remarks>
    public static ColourMap Viridis { get; } = new(static t => (
        Polynomial(t, 0.2777273272234177, 0.1050930431085774, -0.3308618287255563, -4.634230498983486, 6.228269936347081, 4.776384997670288, -5.435455855934631),
        Polynomial(t, 0.005407344544966578, 1.404613529898575, 0.214847559468213, -5.799100973351585, 14.17993336680509, -13.74514537774601, 4.645852612178535),
        Polynomial(t, 0.3340998053353061, 1.384590162594685, 0.09509516302823659, -19.33244095627987, 56.69055260068105, -65.35303263337234, 26.3124352495832)));

    /// <summary>Black to white.</summary>
    public static ColourMap Gray { get; } = new(static t => (t, t, t));

    /// <summary>The colour at <paramref name="t"/>; below 0 and above 1 the ends, NaN as 0.</summary>
    public (byte R, byte G, byte B) At(double t)
    {
        int i = 3 * (int)((Math.Clamp(double.IsNaN(t) ? 0 : t, 0, 1) * (Steps - 1)) + 0.5);
        return (_table[i], _table[i + 1], _table[i + 2]);
    }

    private static double Polynomial(double t, params ReadOnlySpan<double> coefficients)
    {
        double value = 0;
        for (int i = coefficients.Length - 1; i >= 0; i--)
            value = (value * t) + coefficients[i];
        return value;
    }

    private static byte ToByte(double value) => (byte)((Math.Clamp(value, 0, 1) * 255) + 0.5);
}
