namespace Dino.Ssl.Demo;

/// <summary>
/// Signed distances of the drawn motifs and textures: negative inside, positive outside, in the unit of the coordinates.
/// Only + - * /, square root, absolute value and floor: IEEE gives these one result on every machine, so pictures are identical
/// bit for bit everywhere. Sines and cosines have no such guarantee; directions are drawn as unit vectors instead.
/// </summary>
internal static class Distances
{
    private const double Sqrt3 = 1.7320508075688772;

    // cos and sin of 36 and 54 degrees' mirror lines of a five-pointed star.
    private const double Star1X = 0.8090169943749475, Star1Y = -0.5877852522924731;

    public static double Disc(double x, double y, double radius) => Length(x, y) - radius;

    public static double Ring(double x, double y, double radius) => Math.Abs(Length(x, y) - (0.74 * radius)) - (0.26 * radius);

    public static double Box(double x, double y, double halfWidth, double halfHeight)
    {
        double dx = Math.Abs(x) - halfWidth, dy = Math.Abs(y) - halfHeight;
        return Length(Math.Max(dx, 0), Math.Max(dy, 0)) + Math.Min(Math.Max(dx, dy), 0);
    }

    /// <summary>Two bars; <paramref name="radius"/> is the length of an arm.</summary>
    public static double Cross(double x, double y, double radius) =>
        Math.Min(Box(x, y, radius, 0.27 * radius), Box(x, y, 0.27 * radius, radius));

    /// <summary>Equilateral, pointing up; <paramref name="radius"/> reaches the corners. The largest of three half-plane distances.</summary>
    public static double Triangle(double x, double y, double radius) =>
        Math.Max(y, (Math.Abs(x) * (Sqrt3 / 2)) - (y / 2)) - (radius / 2);

    /// <summary>Five points reaching <paramref name="radius"/>, after folding the plane onto half a point.</summary>
    /// <remarks>Quilez, "2D distance functions", sdStar5.</remarks>
    public static double Star(double x, double y, double radius)
    {
        const double inner = 0.42;
        x = Math.Abs(x);
        double fold = 2 * Math.Max((Star1X * x) + (Star1Y * y), 0);
        (x, y) = (x - (fold * Star1X), y - (fold * Star1Y));
        fold = 2 * Math.Max((-Star1X * x) + (Star1Y * y), 0);
        (x, y) = (Math.Abs(x + (fold * Star1X)), y - (fold * Star1Y) - radius);
        double baseX = -inner * Star1Y, baseY = (inner * Star1X) - 1;
        double along = Math.Clamp(((x * baseX) + (y * baseY)) / ((baseX * baseX) + (baseY * baseY)), 0, radius);
        double distance = Length(x - (baseX * along), y - (baseY * along));
        return (y * baseX) - (x * baseY) < 0 ? -distance : distance;
    }

    /// <summary>Parallel bands along y; <paramref name="duty"/> is the covered share of the period.</summary>
    public static double Stripes(double x, double period, double duty) => (Math.Abs(Fraction(x / period) - 0.5) - (duty / 2)) * period;

    /// <summary>Squares of side period / 2 in two colours.</summary>
    public static double Checkers(double x, double y, double period)
    {
        double u = Fraction(x / period) - 0.5, v = Fraction(y / period) - 0.5;
        double edgeX = Math.Min(Math.Abs(u), 0.5 - Math.Abs(u)), edgeY = Math.Min(Math.Abs(v), 0.5 - Math.Abs(v));
        double distance = Math.Min(edgeX, edgeY) * period;
        return u * v < 0 ? distance : -distance;
    }

    /// <summary>Bands that turn by a right angle every half period.</summary>
    public static double Zigzags(double x, double y, double period, double duty)
    {
        double triangleWave = Math.Abs(Fraction(x / period) - 0.5) * period;
        // The bands run at 45 degrees, so a step across them is 1 / sqrt 2 of the step in y.
        return Stripes(y + triangleWave, 0.75 * period, duty) * 0.7071067811865476;
    }

    /// <summary>Joints of a wall in running bond: rows of height period / 2, every other row moved by half a brick.</summary>
    public static double Bricks(double x, double y, double period, double joint)
    {
        double height = period / 2, row = Math.Floor(y / height);
        double inRow = y - (row * height);
        double shift = (row - (2 * Math.Floor(row / 2))) * 0.5;
        double inBrick = Fraction((x / period) + shift) * period;
        double toJoint = Math.Min(Math.Min(inRow, height - inRow), Math.Min(inBrick, period - inBrick));
        return toJoint - (joint * period / 2);
    }

    public static double Fraction(double value) => value - Math.Floor(value);

    public static double Length(double x, double y) => Math.Sqrt((x * x) + (y * y));
}
