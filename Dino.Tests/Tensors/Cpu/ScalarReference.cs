using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Elementwise functions and their derivatives in double precision, by their definitions.</summary>
internal static class ScalarReference
{
    private static readonly double RootTwoOverPi = Math.Sqrt(2 / Math.PI);

    public static double Unary(UnaryOp op, double x, double a, double b) => op switch
    {
        UnaryOp.Affine => (a * x) + b,
        UnaryOp.Abs => Math.Abs(x),
        UnaryOp.Exp => Math.Exp(x),
        UnaryOp.Log => Math.Log(x),
        UnaryOp.Sqrt => Math.Sqrt(x),
        UnaryOp.Rsqrt => 1 / Math.Sqrt(x),
        UnaryOp.Reciprocal => 1 / x,
        UnaryOp.Square => x * x,
        UnaryOp.Power => Math.Pow(x, a),
        UnaryOp.Tanh => Math.Tanh(x),
        UnaryOp.Sigmoid => Sigmoid(x),
        UnaryOp.Silu => x * Sigmoid(x),
        UnaryOp.Softplus => x > 20 ? x : x < -20 ? Math.Exp(x) - (Math.Exp(2 * x) / 2) : Math.Log(1 + Math.Exp(x)),
        UnaryOp.Relu => Math.Max(x, 0),
        UnaryOp.Erf => Erf(x),
        UnaryOp.Gelu => x * Normal(x),
        UnaryOp.GeluTanh => x / 2 * (1 + Math.Tanh(RootTwoOverPi * (x + (0.044715 * x * x * x)))),
        UnaryOp.Clamp => Math.Min(Math.Max(x, a), b),
        UnaryOp.Sign => double.IsNaN(x) ? 0 : Math.Sign(x),
        UnaryOp.Round => Math.Round(x, MidpointRounding.ToEven),
        UnaryOp.Floor => Math.Floor(x),
        UnaryOp.IsNaN => double.IsNaN(x) ? 1 : 0,
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    public static double Derivative(UnaryOp op, double x, double a, double b) => op switch
    {
        UnaryOp.Affine => a,
        UnaryOp.Abs => Math.Sign(x),
        UnaryOp.Exp => Math.Exp(x),
        UnaryOp.Log => 1 / x,
        UnaryOp.Sqrt => 0.5 / Math.Sqrt(x),
        UnaryOp.Rsqrt => -0.5 / (x * Math.Sqrt(x)),
        UnaryOp.Reciprocal => -1 / (x * x),
        UnaryOp.Square => 2 * x,
        UnaryOp.Power => a * Math.Pow(x, a - 1),
        UnaryOp.Tanh => 1 - (Math.Tanh(x) * Math.Tanh(x)),
        UnaryOp.Sigmoid => Sigmoid(x) * (1 - Sigmoid(x)),
        UnaryOp.Silu => Sigmoid(x) * (1 + (x * (1 - Sigmoid(x)))),
        UnaryOp.Softplus => x > 20 ? 1 : Sigmoid(x),
        UnaryOp.Relu => x > 0 ? 1 : 0,
        UnaryOp.Erf => 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x),
        UnaryOp.Gelu => Normal(x) + (x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI)),
        UnaryOp.GeluTanh => GeluTanhDerivative(x),
        UnaryOp.Clamp => x >= a && x <= b ? 1 : 0,
        _ => 0,
    };

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>Φ(x).</summary>
    public static double Normal(double x) => (1 + Erf(x / Math.Sqrt(2))) / 2;

    /// <summary>Series below 2.5, continued fraction above (Abramowitz and Stegun 7.1.5 and 7.1.14): 1e-15.</summary>
    public static double Erf(double x)
    {
        double size = Math.Abs(x);
        if (double.IsNaN(x) || size > 6)
            return double.IsNaN(x) ? x : Math.Sign(x);
        if (size < 2.5)
        {
            double sum = x, power = x;
            for (int n = 1; Math.Abs(power) > 1e-18 * Math.Abs(sum); n++)
            {
                power *= -x * x / n;
                sum += power / ((2 * n) + 1);
            }

            return sum * 2 / Math.Sqrt(Math.PI);
        }

        double fraction = 0;
        for (int k = 80; k > 0; k--)
            fraction = k / 2.0 / (size + fraction);
        return Math.Sign(x) * (1 - (Math.Exp(-size * size) / Math.Sqrt(Math.PI) / (size + fraction)));
    }

    public static double Binary(BinaryOp op, double a, double b) => op switch
    {
        BinaryOp.Add => a + b,
        BinaryOp.Subtract => a - b,
        BinaryOp.Multiply => a * b,
        BinaryOp.Divide => a / b,
        BinaryOp.Maximum => Math.Max(a, b),
        BinaryOp.Minimum => Math.Min(a, b),
        BinaryOp.Equal => a == b ? 1 : 0,
        BinaryOp.Less => a < b ? 1 : 0,
        BinaryOp.Mask => b != 0 ? a : 0,
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    private static double GeluTanhDerivative(double x)
    {
        double tanh = Math.Tanh(RootTwoOverPi * (x + (0.044715 * x * x * x)));
        double slope = RootTwoOverPi * (1 + (3 * 0.044715 * x * x));
        return ((1 + tanh) / 2) + (x / 2 * (1 - (tanh * tanh)) * slope);
    }
}
