using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Layer and batch normalisation with scalar references. Bounds count roundings: u = 2^-24 times the size of what is rounded.</summary>
internal static class NormProblems
{
    private const double U = ProblemBuilder.Unit;
    private const float Epsilon = 1e-6f;

    /// <summary>Every problem of this file by name, for a matrix of rows and columns.</summary>
    public static readonly IReadOnlyDictionary<string, Func<int, int, KernelProblem>> All = new Dictionary<string, Func<int, int, KernelProblem>>
    {
        ["LayerNorm"] = (rows, columns) => LayerNorm(rows, columns, affine: true),
        ["LayerNormPlain"] = (rows, columns) => LayerNorm(rows, columns, affine: false),
        ["LayerNormBackward"] = (rows, columns) => LayerNormBackward(rows, columns, affine: true),
        ["LayerNormBackwardPlain"] = (rows, columns) => LayerNormBackward(rows, columns, affine: false),
        ["BatchNorm"] = (rows, columns) => BatchNorm(rows, columns, affine: true),
        ["BatchNormPlain"] = (rows, columns) => BatchNorm(rows, columns, affine: false),
        ["BatchNormBackward"] = (rows, columns) => BatchNormBackward(rows, columns, affine: true),
        ["BatchNormBackwardPlain"] = (rows, columns) => BatchNormBackward(rows, columns, affine: false),
    };

    /// <param name="offset">Mean of the rows, which a one-pass variance would drown in.</param>
    /// <param name="meanError">Roundings of the mean that the result may show.</param>
    public static KernelProblem LayerNorm(int rows, int columns, bool affine, double offset = 0.5, double deviation = 1, double meanError = 4, params string[] inner)
    {
        ProblemBuilder problem = new($"LayerNorm [{rows}, {columns}] affine {affine} offset {offset}", columns, inner);
        float[] x = problem.Normal("x", [rows, columns], offset, deviation);
        float[] gamma = problem.Normal("gamma", [columns], 1), beta = problem.Normal("beta", [columns]);
        Statistics s = new(x, rows * columns, rows, i => i / columns);
        double Gamma(int i) => affine ? gamma[i % columns] : 1;
        double Normalised(int i) => (x[i] - s.Mean[i / columns]) * s.Rstd(i / columns);
        double Value(int i) => Normalised(i) * Gamma(i) + (affine ? beta[i % columns] : 0);

        // A mean rounds like the spread of the values at least, which is 1 after normalising.
        problem.Output(
            "y", [rows, columns], Value,
            i => U * (Math.Abs(Gamma(i)) * (8 + 16 * Math.Abs(Normalised(i))) + meanError * Math.Abs(Gamma(i) * s.Mean[i / columns]) * s.Rstd(i / columns) + 2 * Math.Abs(Value(i))));
        problem.Output("mean", [rows], i => s.Mean[i], i => 4 * U * (Math.Abs(s.Mean[i]) + 4 * deviation));
        problem.Output("rstd", [rows], s.Rstd, i => U * s.Rstd(i) * (16 + s.Slack(i, meanError)));
        return problem.Build((backend, v, _) => backend.LayerNorm(v[0], affine ? v[1] : View.None, affine ? v[2] : View.None, Epsilon, v[3], v[4], v[5]));
    }

    public static KernelProblem LayerNormBackward(int rows, int columns, bool affine, params string[] inner)
    {
        ProblemBuilder problem = new($"LayerNormBackward [{rows}, {columns}] affine {affine}", columns, inner);
        float[] x = problem.Normal("x", [rows, columns], 0.5);
        float[] gamma = problem.Normal("gamma", [columns], 1);
        float[] mean = problem.Normal("mean", [rows], 0.5, 0.1), rstd = problem.Normal("rstd", [rows], 1, 0.1);
        float[] dy = problem.Normal("dy", [rows, columns]);
        double Normalised(int i) => ((double)x[i] - mean[i / columns]) * rstd[i / columns];
        double Scaled(int i) => (affine ? gamma[i % columns] : 1.0) * dy[i];
        double[] sum = RowProblems.RowSums(rows, columns, Scaled), projection = RowProblems.RowSums(rows, columns, i => Scaled(i) * Normalised(i));
        double[] size = RowProblems.RowSums(rows, columns, i => Math.Abs(Scaled(i))), along = RowProblems.RowSums(rows, columns, i => Math.Abs(Scaled(i) * Normalised(i)));
        problem.Gradient(
            "dx", [rows, columns], i => rstd[i / columns] * (Scaled(i) - sum[i / columns] / columns - Normalised(i) * projection[i / columns] / columns),
            i => 16 * U * Math.Abs(rstd[i / columns]) * (Math.Abs(Scaled(i)) + size[i / columns] / columns + (1 + Math.Abs(Normalised(i))) * along[i / columns] / columns));
        AddColumnSums(problem, "dgamma", rows, columns, i => dy[i] * Normalised(i));
        AddColumnSums(problem, "dbeta", rows, columns, i => dy[i]);
        return problem.Build((backend, v, accumulate) => backend.LayerNormBackward(
            v[0], affine ? v[1] : View.None, v[2], v[3], v[4], new Destination(v[5], accumulate), new Destination(v[6], accumulate), new Destination(v[7], accumulate)));
    }

    public static KernelProblem BatchNorm(int rows, int columns, bool affine, double offset = 0.5, double deviation = 1)
    {
        ProblemBuilder problem = new($"BatchNorm [{rows}, {columns}] affine {affine} offset {offset}", columns);
        float[] x = problem.Normal("x", [rows, columns], offset, deviation);
        float[] gamma = problem.Normal("gamma", [columns], 1), beta = problem.Normal("beta", [columns]);
        Statistics s = new(x, rows * columns, columns, i => i % columns);
        double Gamma(int i) => affine ? gamma[i % columns] : 1;
        double Normalised(int i) => (x[i] - s.Mean[i % columns]) * s.Rstd(i % columns);
        double Value(int i) => Normalised(i) * Gamma(i) + (affine ? beta[i % columns] : 0);
        problem.Output(
            "y", [rows, columns], Value,
            i => U * (Math.Abs(Gamma(i)) * (16 + Math.Abs(Normalised(i)) * (16 + s.Slack(i % columns, 4))) + 4 * Math.Abs(Gamma(i) * s.Mean[i % columns]) * s.Rstd(i % columns) + 2 * Math.Abs(Value(i))));
        problem.Output("mean", [columns], i => s.Mean[i], i => 4 * U * (Math.Abs(s.Mean[i]) + 4 * deviation));
        problem.Output("variance", [columns], i => s.Variance[i], i => U * (16 + s.Slack(i, 4)) * (s.Variance[i] + Epsilon));
        return problem.Build((backend, v, _) => backend.BatchNorm(v[0], affine ? v[1] : View.None, affine ? v[2] : View.None, Epsilon, v[3], v[4], v[5]));
    }

    private static KernelProblem BatchNormBackward(int rows, int columns, bool affine)
    {
        ProblemBuilder problem = new($"BatchNormBackward [{rows}, {columns}] affine {affine}", columns);
        float[] x = problem.Normal("x", [rows, columns], 0.5);
        float[] gamma = problem.Normal("gamma", [columns], 1);
        float[] mean = problem.Normal("mean", [columns], 0.5, 0.1);
        float[] variance = problem.Input("variance", [columns], [.. problem.Draw([columns], 1, 0.1).Select(Math.Abs)]);
        float[] dy = problem.Normal("dy", [rows, columns]);
        double Rstd(int i) => 1 / Math.Sqrt((double)variance[i % columns] + Epsilon);
        double Normalised(int i) => ((double)x[i] - mean[i % columns]) * Rstd(i);
        double Weight(int i) => (affine ? gamma[i % columns] : 1.0) * Rstd(i);
        double[] sum = ColumnSums(rows, columns, i => dy[i]), projection = ColumnSums(rows, columns, i => dy[i] * Normalised(i));
        double[] size = ColumnSums(rows, columns, i => Math.Abs(dy[i])), along = ColumnSums(rows, columns, i => Math.Abs(dy[i] * Normalised(i)));
        problem.Gradient(
            "dx", [rows, columns], i => Weight(i) * (dy[i] - sum[i % columns] / rows - Normalised(i) * projection[i % columns] / rows),
            i => 16 * U * Math.Abs(Weight(i)) * (Math.Abs(dy[i]) + size[i % columns] / rows + (1 + Math.Abs(Normalised(i))) * along[i % columns] / rows));
        AddColumnSums(problem, "dgamma", rows, columns, i => dy[i] * Normalised(i));
        AddColumnSums(problem, "dbeta", rows, columns, i => dy[i]);
        return problem.Build((backend, v, accumulate) => backend.BatchNormBackward(
            v[0], affine ? v[1] : View.None, v[2], v[3], Epsilon, v[4], new Destination(v[5], accumulate), new Destination(v[6], accumulate), new Destination(v[7], accumulate)));
    }

    private static void AddColumnSums(ProblemBuilder problem, string name, int rows, int columns, Func<int, double> term)
    {
        double[] sum = ColumnSums(rows, columns, term), size = ColumnSums(rows, columns, i => Math.Abs(term(i)));
        problem.Gradient(name, [columns], i => sum[i], i => 16 * U * size[i]);
    }

    private static double[] ColumnSums(int rows, int columns, Func<int, double> term)
    {
        double[] sums = new double[columns];
        for (int i = 0; i < rows * columns; i++)
            sums[i % columns] += term(i);
        return sums;
    }

    /// <summary>Means and biased variances of groups of elements.</summary>
    private sealed class Statistics
    {
        public Statistics(float[] x, int count, int groups, Func<int, int> groupOf)
        {
            Mean = new double[groups];
            Variance = new double[groups];
            double size = count / groups;
            for (int i = 0; i < count; i++)
                Mean[groupOf(i)] += x[i] / size;
            for (int i = 0; i < count; i++)
                Variance[groupOf(i)] += Math.Pow(x[i] - Mean[groupOf(i)], 2) / size;
        }

        public double[] Mean { get; }

        public double[] Variance { get; }

        public double Rstd(int group) => 1 / Math.Sqrt(Variance[group] + Epsilon);

        /// <summary>Roundings that a mean off by some roundings leaves in a centred square, relative to it.</summary>
        public double Slack(int group, double meanError) => 2 * meanError * Math.Abs(Mean[group]) * Rstd(group);
    }
}
