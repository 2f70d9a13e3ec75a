namespace Dino.Ssl.Projection;

/// <summary>UMAP's similarity in the plane, 1 / (1 + a d^2b), fitted to 1 up to a least distance and an exponential beyond.</summary>
/// <param name="A">a.</param>
/// <param name="B">b.</param>
internal readonly record struct DistanceCurve(double A, double B)
{
    private const int Points = 300, MaxSteps = 200;

    /// <summary>The reach of the fit.</summary>
    private const double Farthest = 3;

    /// <summary>Least squares by Levenberg and Marquardt's damped steps from a = b = 1.</summary>
    public static DistanceCurve Fit(double minDistance)
    {
        (DistanceCurve curve, double damping) = (new DistanceCurve(1, 1), 1e-3);
        double error = curve.Error(minDistance, out Normal normal);
        for (int step = 0; step < MaxSteps && damping < 1e12; step++)
        {
            DistanceCurve next = curve.Step(normal, damping);
            double nextError = next is { A: > 0, B: > 0 } ? next.Error(minDistance, out Normal nextNormal) : Infinite(out nextNormal);
            bool isBetter = nextError < error;
            damping *= isBetter ? 0.1 : 10;
            if (isBetter)
                (curve, error, normal) = (next, nextError, nextNormal);
        }

        return curve;
    }

    private static double Infinite(out Normal normal)
    {
        normal = default;
        return double.PositiveInfinity;
    }

    private DistanceCurve Step(Normal n, double damping)
    {
        (double aa, double bb) = (n.Aa * (1 + damping), n.Bb * (1 + damping));
        double determinant = (aa * bb) - (n.Ab * n.Ab);
        return new DistanceCurve(A + (((bb * n.A) - (n.Ab * n.B)) / determinant), B + (((aa * n.B) - (n.Ab * n.A)) / determinant));
    }

    /// <summary>Sum of squares, and the normal equations of its linearisation.</summary>
    private double Error(double minDistance, out Normal normal)
    {
        normal = default;
        double sum = 0;
        for (int i = 1; i < Points; i++)
        {
            double x = Farthest * i / (Points - 1), power = Math.Pow(x, 2 * B), value = 1 / (1 + (A * power));
            double wanted = x < minDistance ? 1 : Math.Exp(minDistance - x), miss = wanted - value;
            double byA = -power * value * value, byB = A * byA * 2 * Math.Log(x);
            normal = new Normal(normal.Aa + (byA * byA), normal.Ab + (byA * byB), normal.Bb + (byB * byB), normal.A + (byA * miss), normal.B + (byB * miss));
            sum += miss * miss;
        }

        return sum;
    }

    private readonly record struct Normal(double Aa, double Ab, double Bb, double A, double B);
}
