using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Operations on independent rows with scalar references. Bounds count roundings: u = 2^-24 times the size of what is rounded.</summary>
internal static class RowProblems
{
    private const double U = ProblemBuilder.Unit;

    /// <summary>Every problem of this file by name, for a matrix of rows and columns.</summary>
    public static readonly IReadOnlyDictionary<string, Func<int, int, KernelProblem>> All = new Dictionary<string, Func<int, int, KernelProblem>>
    {
        ["Softmax"] = Softmax,
        ["SoftmaxBackward"] = SoftmaxBackward,
        ["LogSoftmax"] = LogSoftmax,
        ["LogSoftmaxBackward"] = LogSoftmaxBackward,
        ["Normalize"] = Normalize,
        ["NormalizeBackward"] = NormalizeBackward,
        ["WeightNorm"] = WeightNorm,
        ["WeightNormBackward"] = WeightNormBackward,
    };

    private static KernelProblem Softmax(int rows, int columns)
    {
        ProblemBuilder problem = new($"Softmax [{rows}, {columns}]", columns);
        float[] x = problem.Normal("x", [rows, columns], 0, 4);
        (double[] max, double[] sum) = ExponentSums(x, rows, columns);
        double Value(int i) => Math.Exp(x[i] - max[i / columns]) / sum[i / columns];

        // e^d carries the rounding of d = x - max; the exponential, the sum and the division add a few more.
        problem.Output("y", [rows, columns], Value, i => U * Value(i) * (8 + max[i / columns] - x[i]));
        return problem.Build((backend, v, _) => backend.Softmax(v[0], v[1]));
    }

    private static KernelProblem SoftmaxBackward(int rows, int columns)
    {
        ProblemBuilder problem = new($"SoftmaxBackward [{rows}, {columns}]", columns);
        float[] y = problem.Normal("y", [rows, columns], 0.5, 0.2);
        float[] dy = problem.Normal("dy", [rows, columns]);
        double[] dot = RowSums(rows, columns, i => (double)y[i] * dy[i]), magnitude = RowSums(rows, columns, i => Math.Abs((double)y[i] * dy[i]));
        problem.Gradient(
            "dx", [rows, columns], i => y[i] * (dy[i] - dot[i / columns]),
            i => U * Math.Abs(y[i]) * (4 * Math.Abs(dy[i]) + 4 * Math.Abs(dot[i / columns]) + 8 * magnitude[i / columns]));
        return problem.Build((backend, v, accumulate) => backend.SoftmaxBackward(v[0], v[1], new Destination(v[2], accumulate)));
    }

    private static KernelProblem LogSoftmax(int rows, int columns)
    {
        ProblemBuilder problem = new($"LogSoftmax [{rows}, {columns}]", columns);
        float[] x = problem.Normal("x", [rows, columns], 0, 4);
        (double[] max, double[] sum) = ExponentSums(x, rows, columns);
        double Value(int i) => x[i] - max[i / columns] - Math.Log(sum[i / columns]);
        problem.Output("y", [rows, columns], Value, i => U * (8 + Math.Abs(Value(i)) + max[i / columns] - x[i]));
        return problem.Build((backend, v, _) => backend.LogSoftmax(v[0], v[1]));
    }

    private static KernelProblem LogSoftmaxBackward(int rows, int columns)
    {
        ProblemBuilder problem = new($"LogSoftmaxBackward [{rows}, {columns}]", columns);
        float[] y = problem.Normal("y", [rows, columns], -3);
        float[] dy = problem.Normal("dy", [rows, columns]);
        double[] sum = RowSums(rows, columns, i => dy[i]), magnitude = RowSums(rows, columns, i => Math.Abs(dy[i]));
        problem.Gradient(
            "dx", [rows, columns], i => dy[i] - Math.Exp(y[i]) * sum[i / columns],
            i => U * (2 * Math.Abs(dy[i]) + Math.Exp(y[i]) * (8 * Math.Abs(sum[i / columns]) + 8 * magnitude[i / columns])));
        return problem.Build((backend, v, accumulate) => backend.LogSoftmaxBackward(v[0], v[1], new Destination(v[2], accumulate)));
    }

    private static KernelProblem Normalize(int rows, int columns)
    {
        // The bound on the norm lies amid the norms, so that some rows are clamped.
        float epsilon = MathF.Sqrt(columns);
        ProblemBuilder problem = new($"Normalize [{rows}, {columns}]", columns);
        float[] x = problem.Normal("x", [rows, columns]);
        double[] norm = Norms(x, rows, columns);
        problem.Output("y", [rows, columns], i => x[i] / Math.Max(norm[i / columns], epsilon), i => 8 * U * Math.Abs(x[i]) / Math.Max(norm[i / columns], epsilon));
        problem.Output("norms", [rows], i => norm[i], i => 6 * U * norm[i]);
        return problem.Build((backend, v, _) => backend.Normalize(v[0], epsilon, v[1], v[2]));
    }

    private static KernelProblem NormalizeBackward(int rows, int columns)
    {
        const float Epsilon = 1f;
        ProblemBuilder problem = new($"NormalizeBackward [{rows}, {columns}]", columns);
        float[] y = problem.Normal("y", [rows, columns], 0, 1 / Math.Sqrt(columns));
        float[] norms = problem.Normal("norms", [rows], 1, 0.2);
        float[] dy = problem.Normal("dy", [rows, columns]);
        double[] dot = RowSums(rows, columns, i => (double)y[i] * dy[i]), magnitude = RowSums(rows, columns, i => Math.Abs((double)y[i] * dy[i]));
        double Projection(int row) => norms[row] < Epsilon ? 0 : dot[row];
        problem.Gradient(
            "dx", [rows, columns], i => (dy[i] - y[i] * Projection(i / columns)) / Math.Max(norms[i / columns], Epsilon),
            i => U * (8 * Math.Abs(dy[i]) + 16 * Math.Abs(y[i]) * magnitude[i / columns]));
        return problem.Build((backend, v, accumulate) => backend.NormalizeBackward(v[0], v[1], Epsilon, v[2], new Destination(v[3], accumulate)));
    }

    private static KernelProblem WeightNorm(int rows, int columns)
    {
        ProblemBuilder problem = new($"WeightNorm [{rows}, {columns}]", columns);
        float[] v = problem.Normal("v", [rows, columns]);
        float[] g = problem.Normal("g", [rows, 1], 1);
        double[] norm = Norms(v, rows, columns);
        problem.Output("w", [rows, columns], i => g[i / columns] * v[i] / norm[i / columns], i => 8 * U * Math.Abs(g[i / columns] * v[i] / norm[i / columns]));
        problem.Output("norms", [rows], i => norm[i], i => 6 * U * norm[i]);
        return problem.Build((backend, views, _) => backend.WeightNorm(views[0], views[1], views[2], views[3]));
    }

    private static KernelProblem WeightNormBackward(int rows, int columns)
    {
        ProblemBuilder problem = new($"WeightNormBackward [{rows}, {columns}]", columns);
        float[] v = problem.Normal("v", [rows, columns]);
        float[] g = problem.Normal("g", [rows, 1], 1);
        double[] norm = Norms(v, rows, columns);
        float[] norms = problem.Input("norms", [rows], [.. norm.Select(value => (float)value)]);
        float[] dw = problem.Normal("dw", [rows, columns]);
        double[] dot = RowSums(rows, columns, i => (double)v[i] * dw[i]), magnitude = RowSums(rows, columns, i => Math.Abs((double)v[i] * dw[i]));
        problem.Gradient(
            "dv", [rows, columns], i => g[i / columns] / norms[i / columns] * (dw[i] - v[i] * dot[i / columns] / norms[i / columns] / norms[i / columns]),
            i => U * Math.Abs(g[i / columns]) / norm[i / columns] * (8 * Math.Abs(dw[i]) + 16 * Math.Abs(v[i]) * magnitude[i / columns] / norm[i / columns] / norm[i / columns]));
        problem.Gradient("dg", [rows, 1], i => dot[i] / norms[i], i => 16 * U * magnitude[i] / norm[i]);
        return problem.Build((backend, views, accumulate) =>
            backend.WeightNormBackward(views[0], views[1], views[2], views[3], new Destination(views[4], accumulate), new Destination(views[5], accumulate)));
    }

    internal static double[] RowSums(int rows, int columns, Func<int, double> term)
    {
        double[] sums = new double[rows];
        for (int i = 0; i < rows * columns; i++)
            sums[i / columns] += term(i);
        return sums;
    }

    private static double[] Norms(float[] x, int rows, int columns) => [.. RowSums(rows, columns, i => (double)x[i] * x[i]).Select(Math.Sqrt)];

    private static (double[] Max, double[] Sum) ExponentSums(float[] x, int rows, int columns)
    {
        double[] max = new double[rows];
        for (int row = 0; row < rows; row++)
            max[row] = x.AsSpan(row * columns, columns).ToArray().Max();
        return (max, RowSums(rows, columns, i => Math.Exp(x[i] - max[i / columns])));
    }
}
