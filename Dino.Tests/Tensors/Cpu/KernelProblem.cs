using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>What an operation may do with an operand.</summary>
internal enum Access
{
    /// <summary>Read; must be unchanged afterwards.</summary>
    Input,

    /// <summary>Written, not read: holds NaN before.</summary>
    Output,

    /// <summary>A <see cref="Destination"/>: overwritten, or added to.</summary>
    Gradient,

    /// <summary>Read and written.</summary>
    InPlace,
}

/// <summary>One operand of a kernel under test: initial values, and what it must hold afterwards, to within a bound per element.</summary>
/// <param name="IsInner">Its values are brain floats; a solver that has memory of them keeps them there.</param>
internal sealed record Operand(string Name, Access Access, Shape Shape, float[]? Values, double[]? Expected = null, double[]? Bound = null, bool IsInner = false);

/// <summary>One call of a backend operation with its operands and their truth in double precision.</summary>
/// <param name="Run">Calls the operation on views of the operands, in order; the flag says whether gradients accumulate.</param>
internal sealed record KernelProblem(string Name, Operand[] Operands, Action<Backend, View[], bool> Run)
{
    /// <summary>Has the problem solved, overwriting and accumulating, and compares every operand with its truth.</summary>
    /// <param name="solver">Who solves it.</param>
    /// <param name="solve">Gives every operand as the solver leaves it; the flag says whether gradients accumulate.</param>
    public void AssertSolved(string solver, Func<bool, float[][]> solve)
    {
        AssertSolved(solver, solve(false), accumulate: false);
        if (Operands.Any(operand => operand.Access == Access.Gradient))
            AssertSolved(solver, solve(true), accumulate: true);
    }

    private void AssertSolved(string solver, float[][] actual, bool accumulate)
    {
        for (int k = 0; k < actual.Length; k++)
        {
            Operand operand = Operands[k];
            for (int i = 0; i < actual[k].Length; i++)
            {
                if (operand.Access == Access.Input)
                {
                    Assert.True(BitConverter.SingleToInt32Bits(actual[k][i]) == BitConverter.SingleToInt32Bits(operand.Values![i]), $"{solver} {Name} changed {operand.Name}[{i}].");
                    continue;
                }

                bool adds = accumulate && operand.Access == Access.Gradient;
                double expected = operand.Expected![i] + (adds ? operand.Values![i] : 0);
                double bound = operand.Bound![i] + (adds ? ProblemBuilder.Unit * Math.Abs(expected) : 0);
                // What is kept as a brain float is rounded once, wherever within the bound it was.
                bound += operand.IsInner ? ProblemBuilder.InnerUnit * (Math.Abs(expected) + bound) : 0;
                bool agrees = double.IsNaN(expected) ? float.IsNaN(actual[k][i]) : Math.Abs(actual[k][i] - expected) <= bound;
                Assert.True(agrees, $"{solver} {Name}{(adds ? " (accumulating)" : "")}: {operand.Name}[{i}] = {actual[k][i]:g9}, expected {expected:g9}, off by {Math.Abs(actual[k][i] - expected):g3}, bound {bound:g3}.");
            }
        }
    }
}

/// <summary>Builds a <see cref="KernelProblem"/>, operand after operand.</summary>
/// <param name="inner">The operands that are brain floats: their values are rounded before anything is computed of them.</param>
internal sealed class ProblemBuilder(string name, int seed, params string[] inner)
{
    /// <summary>Unit roundoff of brain floats.</summary>
    public const double InnerUnit = 1.0 / (1 << 8);

    /// <summary>Unit roundoff of F32.</summary>
    public const double Unit = 1.0 / (1 << 24);

    private readonly List<Operand> _operands = [];
    private readonly Random _random = new(seed);

    /// <summary>A read operand of normal numbers.</summary>
    public float[] Normal(string operand, Shape shape, double mean = 0, double deviation = 1) => Input(operand, shape, Draw(shape, mean, deviation));

    public float[] Input(string operand, Shape shape, float[] values)
    {
        Round(operand, values);
        _operands.Add(new Operand(operand, Access.Input, shape, values, IsInner: inner.Contains(operand)));
        return values;
    }

    public void Output(string operand, Shape shape, Func<int, double> expected, Func<int, double> bound) => Add(operand, Access.Output, shape, null, expected, bound);

    public void Gradient(string operand, Shape shape, Func<int, double> expected, Func<int, double> bound) => Add(operand, Access.Gradient, shape, Draw(shape, 0, 1), expected, bound);

    public void InPlace(string operand, Shape shape, float[] values, Func<int, double> expected, Func<int, double> bound) => Add(operand, Access.InPlace, shape, values, expected, bound);

    /// <summary>Rounds the values of an operand that is made of brain floats.</summary>
    public float[] Round(string operand, float[] values)
    {
        for (int i = 0; i < values.Length && inner.Contains(operand); i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)Conversions.ToBFloat16(values[i]) << 16);
        return values;
    }

    public float[] Draw(Shape shape, double mean, double deviation)
    {
        float[] values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()));
            values[i] = (float)(mean + (deviation * radius * Math.Cos(2 * Math.PI * _random.NextDouble())));
        }

        return values;
    }

    public KernelProblem Build(Action<Backend, View[], bool> run) => new(name, [.. _operands], run);

    private void Add(string operand, Access access, Shape shape, float[]? values, Func<int, double> expected, Func<int, double> bound)
    {
        if (values is not null)
            Round(operand, values);
        double[] truth = new double[shape.Count], bounds = new double[shape.Count];
        for (int i = 0; i < truth.Length; i++)
        {
            truth[i] = expected(i);
            bounds[i] = bound(i);
        }

        _operands.Add(new Operand(operand, access, shape, values, truth, bounds, inner.Contains(operand)));
    }
}
