using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>The colour of a surface over the picture: a linear gradient between two colours plus soft clouds.</summary>
internal readonly struct Paint
{
    private const int CloudCells = 3;

    private readonly Colour _from, _to;
    private readonly double _axisX, _axisY, _cloud;
    private readonly double[] _heights;

    public Paint(Colour colour, double spread, double cloud, ref CounterRandom random)
    {
        (_from, _to) = (colour.Near(ref random, spread), colour.Near(ref random, spread));
        (_axisX, _axisY) = PatternField.Direction(ref random);
        _cloud = cloud;
        _heights = new double[(CloudCells + 1) * (CloudCells + 1)];
        for (int i = 0; i < _heights.Length; i++)
            _heights[i] = random.NextDouble(-1, 1);
    }

    public Colour At(double x, double y)
    {
        double along = Math.Clamp(0.5 + ((x - 0.5) * _axisX) + ((y - 0.5) * _axisY), 0, 1);
        return Colour.Mix(_from, _to, along).Scale(1 + (_cloud * Cloud(x, y)));
    }

    /// <summary>Value noise in [-1, 1]: random heights on a coarse grid, smoothly interpolated.</summary>
    private double Cloud(double x, double y)
    {
        (x, y) = (Math.Clamp(x, 0, 1) * CloudCells, Math.Clamp(y, 0, 1) * CloudCells);
        int column = Math.Min((int)x, CloudCells - 1), row = Math.Min((int)y, CloudCells - 1);
        double u = Smooth(x - column), v = Smooth(y - row);
        int at = (row * (CloudCells + 1)) + column;
        double top = _heights[at] + (u * (_heights[at + 1] - _heights[at]));
        double bottom = _heights[at + CloudCells + 1] + (u * (_heights[at + CloudCells + 2] - _heights[at + CloudCells + 1]));
        return top + (v * (bottom - top));
    }

    private static double Smooth(double t) => t * t * (3 - (2 * t));
}
