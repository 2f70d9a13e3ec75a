using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>Everything random about one drawn picture: the pattern, the paints, the clutter and the light.</summary>
internal sealed class PictureScene
{
    /// <summary>A small distractor shape, drawn over the pattern.</summary>
    private readonly record struct Clutter(DrawnClass Shape, double X, double Y, double AxisX, double AxisY, double Radius, Colour Colour);

    // Below this difference in luma a grayscale view would hide the class.
    private const double LeastContrast = 0.35;

    // The two surfaces lie about evenly around middle grey, one or the other the darker: the mean lightness says nothing.
    private const double LargestImbalance = 0.15;

    private static readonly DrawnClass[] ClutterShapes = [DrawnClass.Discs, DrawnClass.Squares, DrawnClass.Triangles];

    private readonly PatternField _pattern;
    private readonly Paint _background, _foreground;
    private readonly Clutter[] _clutter;

    public PictureScene(DrawnClass drawnClass, ref CounterRandom random)
    {
        _pattern = new PatternField(drawnClass, ref random);
        Colour back, front;
        do
            (back, front) = (Colour.Random(ref random), Colour.Random(ref random));
        while (Math.Abs(back.Luma - front.Luma) < LeastContrast || Math.Abs(back.Luma + front.Luma - 1) > LargestImbalance);
        _background = new Paint(back, spread: 0.12, cloud: random.NextDouble(0.05, 0.2), ref random);
        _foreground = new Paint(front, spread: 0.1, cloud: random.NextDouble(0, 0.1), ref random);
        _clutter = new Clutter[random.NextInt(1, 5)];
        for (int i = 0; i < _clutter.Length; i++)
            _clutter[i] = RandomClutter(ref random);
        Noise = random.NextDouble(0.01, 0.035);
    }

    /// <summary>Amplitude of the pixel noise, in [0, 1] of full scale.</summary>
    public double Noise { get; }

    /// <summary>Colour at a point of the picture.</summary>
    /// <param name="x">Column in picture sides.</param>
    /// <param name="y">Row in picture sides.</param>
    /// <param name="softness">Width of the ramp across an edge, in picture sides.</param>
    public Colour At(double x, double y, double softness)
    {
        Colour colour = Colour.Mix(_background.At(x, y), _foreground.At(x, y), Coverage(_pattern.At(x, y), softness));
        foreach (Clutter shape in _clutter)
        {
            double dx = x - shape.X, dy = y - shape.Y;
            if (Math.Max(Math.Abs(dx), Math.Abs(dy)) > 2 * shape.Radius)
                continue;
            double distance = PatternField.Motif(shape.Shape, (dx * shape.AxisX) + (dy * shape.AxisY), (dy * shape.AxisX) - (dx * shape.AxisY), shape.Radius);
            colour = Colour.Mix(colour, shape.Colour, Coverage(distance, softness));
        }

        return colour;
    }

    private static Clutter RandomClutter(ref CounterRandom random)
    {
        DrawnClass shape = ClutterShapes[random.NextInt(0, ClutterShapes.Length)];
        (double axisX, double axisY) = PatternField.Direction(ref random);
        return new Clutter(shape, random.NextDouble(), random.NextDouble(), axisX, axisY, random.NextDouble(0.02, 0.055), Colour.Random(ref random));
    }

    private static double Coverage(double distance, double softness) => Math.Clamp(0.5 - (distance / softness), 0, 1);
}
