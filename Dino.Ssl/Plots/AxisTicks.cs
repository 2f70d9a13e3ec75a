using System.Globalization;

namespace Dino.Ssl.Plots;

/// <summary>Round numbers that cover a range: multiples of 1, 2 or 5 times a power of ten.</summary>
internal readonly struct AxisTicks
{
    private readonly double _step;
    private readonly long _first, _last;

    /// <param name="low">Smallest value to cover.</param>
    /// <param name="high">Largest value to cover.</param>
    /// <param name="about">Number of intervals aimed at.</param>
    public AxisTicks(double low, double high, int about)
    {
        if (low >= high)
        {
            // One value only: leave room on both sides so that the line lies in the middle.
            double room = low == 0 ? 1 : Math.Abs(low) * 0.1;
            (low, high) = (low - room, low + room);
        }

        _step = NiceStep((high - low) / about);
        // The tolerance keeps a range that ends on a multiple from gaining an empty interval through rounding.
        _first = (long)Math.Floor((low / _step) + 1e-9);
        _last = (long)Math.Ceiling((high / _step) - 1e-9);
    }

    public double Low => _first * _step;

    public double High => _last * _step;

    public IEnumerable<double> Values
    {
        get
        {
            for (long i = _first; i <= _last; i++)
                yield return i * _step;
        }
    }

    /// <summary>The label of a tick: as many decimals as the step has, or powers of ten for very large and very small ranges.</summary>
    public string Label(double value)
    {
        double largest = Math.Max(Math.Abs(Low), Math.Abs(High));
        if (value == 0)
            return "0";
        if (largest is >= 1e7 or < 1e-3)
            return value.ToString("0.##e+0", CultureInfo.InvariantCulture).Replace("e+", "e", StringComparison.Ordinal);
        int decimals = Math.Max(0, (int)-Math.Floor(Math.Log10(_step) + 1e-9));
        return value.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    private static double NiceStep(double raw)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double mantissa = raw / power;
        return power * (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10);
    }
}
