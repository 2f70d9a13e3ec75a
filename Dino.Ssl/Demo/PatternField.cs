using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>
/// The pattern of one picture: a motif repeated on a turned, sheared lattice (each copy moved, turned and scaled a little) or a
/// texture. Coordinates are in picture sides: the picture is [0, 1] x [0, 1].
/// </summary>
/// <remarks>The class can be told from any window of about a third of the side: self-supervised crops of one picture then agree on it.</remarks>
internal readonly struct PatternField
{
    private readonly DrawnClass _class;
    private readonly double _originX, _originY, _axisX, _axisY, _shear, _period, _fill, _turnJitter;
    private readonly ulong _cells;

    public PatternField(DrawnClass drawnClass, ref CounterRandom random)
    {
        _class = drawnClass;
        (_originX, _originY) = (random.NextDouble(-2, 2), random.NextDouble(-2, 2));
        (_axisX, _axisY) = Direction(ref random);
        _shear = random.NextDouble(-0.12, 0.12);
        _fill = random.NextDouble();
        _turnJitter = random.NextDouble(0, 0.5);
        _period = drawnClass switch
        {
            DrawnClass.Stripes => random.NextDouble(0.13, 0.2),
            DrawnClass.Checkers => random.NextDouble(0.26, 0.38),
            DrawnClass.Zigzags => random.NextDouble(0.34, 0.46),
            DrawnClass.Bricks => random.NextDouble(0.34, 0.46),
            _ => random.NextDouble(0.32, 0.46),
        };
        _cells = ((ulong)random.NextBits() << 32) | random.NextBits();
    }

    /// <summary>Signed distance to the pattern's edge, negative on the foreground.</summary>
    public double At(double x, double y)
    {
        (x, y) = (x - _originX, y - _originY);
        double u = (x * _axisX) + (y * _axisY);
        double v = (y * _axisX) - (x * _axisY);
        u += _shear * v;
        return _class switch
        {
            DrawnClass.Stripes => Distances.Stripes(u, _period, 0.38 + (0.24 * _fill)),
            DrawnClass.Checkers => Distances.Checkers(u, v, _period),
            DrawnClass.Zigzags => Distances.Zigzags(u, v, _period, 0.38 + (0.24 * _fill)),
            DrawnClass.Bricks => Distances.Bricks(u, v, _period, 0.16 + (0.1 * _fill)),
            _ => InCell(u, v),
        };
    }

    /// <summary>A unit vector of uniform direction: a point of the disc by rejection, normalised. No sine, hence portable.</summary>
    public static (double X, double Y) Direction(ref CounterRandom random)
    {
        double x, y, square;
        do
        {
            (x, y) = (random.NextDouble(-1, 1), random.NextDouble(-1, 1));
            square = (x * x) + (y * y);
        }
        while (square is > 1 or < 1e-4);
        double length = Math.Sqrt(square);
        return (x / length, y / length);
    }

    private double InCell(double u, double v)
    {
        double column = Math.Floor(u / _period), row = Math.Floor(v / _period);
        RandomKey key = new(_cells, (uint)(int)column, (uint)(int)row);
        (uint a, uint b, uint c, uint d) = key.Block(0);
        // Largest reach plus largest move stay below half a cell, so a motif never leaves its cell and one look-up is enough.
        double radius = _period * (0.36 + (0.06 * _fill)) * (0.9 + (0.1 * RandomKey.ToUniform(a)));
        double move = 2 * ((_period * 0.5) - radius);
        double x = u - ((column + 0.5) * _period) - (move * 0.45 * (RandomKey.ToUniform(b) - 0.5));
        double y = v - ((row + 0.5) * _period) - (move * 0.45 * (RandomKey.ToUniform(c) - 0.5));
        // A turn by atan(t): the vector (1, t) normalised.
        double t = _turnJitter * ((2 * RandomKey.ToUniform(d)) - 1), length = Distances.Length(1, t);
        (x, y) = ((x - (t * y)) / length, (y + (t * x)) / length);
        return Motif(_class, x, y, radius);
    }

    internal static double Motif(DrawnClass drawnClass, double x, double y, double radius) => drawnClass switch
    {
        DrawnClass.Discs => Distances.Disc(x, y, radius),
        DrawnClass.Rings => Distances.Ring(x, y, radius),
        DrawnClass.Squares => Distances.Box(x, y, 0.82 * radius, 0.82 * radius),
        DrawnClass.Triangles => Distances.Triangle(x, y, 1.1 * radius),
        DrawnClass.Stars => Distances.Star(x, y, 1.1 * radius),
        DrawnClass.Crosses => Distances.Cross(x, y, radius),
        _ => throw new ArgumentOutOfRangeException(nameof(drawnClass), drawnClass, "Not a motif."),
    };
}
