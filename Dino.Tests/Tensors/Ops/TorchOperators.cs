using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Python's operators on tensors and numbers.</summary>
internal static class TorchOperators
{
    public static object Apply(string symbol, object? left, object? right) => (left, right) switch
    {
        (Tensor a, Tensor b) => symbol switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "@" => a.MatMul(b),
            _ => throw Unknown(symbol),
        },
        (Tensor a, not null) => Apply(symbol, a, PythonArguments.ToDouble(right)),
        (not null, Tensor b) => Apply(symbol, PythonArguments.ToDouble(left), b),
        _ => Apply(symbol, PythonArguments.ToDouble(left), PythonArguments.ToDouble(right)),
    };

    public static object Negate(object? operand) => operand switch
    {
        Tensor x => -x,
        long number => -number,
        _ => -PythonArguments.ToDouble(operand),
    };

    public static Tensor Power(Tensor x, double exponent) => exponent == 2 ? x.Square() : x.Power((float)exponent);

    private static Tensor Apply(string symbol, Tensor a, double b) => symbol switch
    {
        "+" => a + (float)b,
        "-" => a - (float)b,
        "*" => a * (float)b,
        "/" => a / (float)b,
        "**" => Power(a, b),
        _ => throw Unknown(symbol),
    };

    private static Tensor Apply(string symbol, double a, Tensor b) => symbol switch
    {
        "+" => b + (float)a,
        "-" => (float)a - b,
        "*" => b * (float)a,
        "/" => a == 1 ? b.Reciprocal() : b.Reciprocal() * (float)a,
        _ => throw Unknown(symbol),
    };

    private static double Apply(string symbol, double a, double b) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "**" => Math.Pow(a, b),
        _ => throw Unknown(symbol),
    };

    private static NotSupportedException Unknown(string symbol) => new($"No code for the operator '{symbol}' on these operands.");
}
