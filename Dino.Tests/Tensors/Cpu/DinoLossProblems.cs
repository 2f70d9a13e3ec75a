using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>The DINO cross-entropy in double precision, written as in the paper: every pair of a teacher and another student view by itself.</summary>
internal sealed class DinoLossProblems
{
    private const double Unit = ProblemBuilder.Unit;
    private readonly int _students, _teachers, _batch, _columns;
    private readonly float _studentTemperature, _teacherTemperature;
    private readonly float[] _student, _teacher, _centre;
    private readonly double[][] _studentLogs, _targetLogs;
    private readonly double[] _studentLogSumExp, _teacherLogSumExp;

    public DinoLossProblems(int students, int teachers, int batch, int columns, float spread = 1f, bool centred = true, float teacherTemperature = 0.04f, float studentTemperature = 0.1f)
    {
        (_students, _teachers, _batch, _columns) = (students, teachers, batch, columns);
        (_studentTemperature, _teacherTemperature) = (studentTemperature, teacherTemperature);
        ProblemBuilder draw = new("", (columns * 31) + students + teachers);
        _student = draw.Draw([students * batch, columns], 0, spread);
        _teacher = draw.Draw([teachers * batch, columns], 0, spread);
        _centre = draw.Draw([columns], 0, centred ? 0.3f * spread : 0);
        (_studentLogs, _studentLogSumExp) = Solve(students, (row, k) => (double)_student[(row * columns) + k] / studentTemperature);
        (_targetLogs, _teacherLogSumExp) = Solve(teachers, (row, k) => ((double)_teacher[(row * columns) + k] - _centre[k]) / teacherTemperature);
    }

    private int Pairs => (_students * _teachers) - Math.Min(_students, _teachers);

    private string Name => $"[{_students}/{_teachers} x {_batch}, {_columns}]";

    /// <param name="relative">Error granted to the loss and the entropy, relative to the loss.</param>
    public KernelProblem Forward(double relative)
    {
        ProblemBuilder problem = new("DINO loss " + Name, 0);
        AddLogits(problem);
        double loss = Loss(), entropy = Entropy();
        problem.Output("loss", [1], _ => loss, _ => relative * loss);
        problem.Output("studentLogSumExp", [_students * _batch], i => _studentLogSumExp[i], i => Rounding(_studentLogSumExp[i]));
        problem.Output("teacherLogSumExp", [_teachers * _batch], i => _teacherLogSumExp[i], i => Rounding(_teacherLogSumExp[i]));
        problem.Output("teacherEntropy", [1], _ => entropy, _ => relative * Math.Max(entropy, loss));
        return problem.Build((backend, x, _) => backend.DinoLoss(x[0], x[1], x[2], _studentTemperature, _teacherTemperature, _batch, x[3], x[4], x[5], x[6]));
    }

    public KernelProblem Backward()
    {
        ProblemBuilder problem = new("DINO loss backward " + Name, 0);
        AddLogits(problem);
        problem.Input("studentLogSumExp", [_students * _batch], Array.ConvertAll(_studentLogSumExp, value => (float)value));
        problem.Input("teacherLogSumExp", [_teachers * _batch], Array.ConvertAll(_teacherLogSumExp, value => (float)value));
        problem.Input("dloss", [1], [1.75f]);
        double gain = 1.75 / (_studentTemperature * _batch * (double)Pairs);
        problem.Gradient("dstudent", [_students * _batch, _columns], i => gain * Residual(i, bound: false), i => gain * Residual(i, bound: true));
        return problem.Build((backend, x, accumulate) =>
            backend.DinoLossBackward(x[0], x[1], x[2], _studentTemperature, _teacherTemperature, _batch, x[3], x[4], x[5], new Destination(x[6], accumulate)));
    }

    private void AddLogits(ProblemBuilder problem)
    {
        problem.Input("student", [_students * _batch, _columns], _student);
        problem.Input("teacher", [_teachers * _batch, _columns], _teacher);
        problem.Input("centre", [_columns], _centre);
    }

    /// <summary>Rounding of the scaled logits and of the result.</summary>
    private static double Rounding(double logSumExp) => 4 * Unit * (Math.Abs(logSumExp) + 8);

    private double Loss()
    {
        double total = 0;
        for (int t = 0; t < _teachers; t++)
        {
            for (int s = 0; s < _students; s++)
            {
                for (int b = 0; s != t && b < _batch; b++)
                {
                    for (int k = 0; k < _columns; k++)
                        total -= Math.Exp(_targetLogs[(t * _batch) + b][k]) * _studentLogs[(s * _batch) + b][k];
                }
            }
        }

        return total / (Pairs * (double)_batch);
    }

    private double Entropy() => _targetLogs.Sum(row => -row.Sum(log => Math.Exp(log) * log)) / _targetLogs.Length;

    /// <summary>Σ over teachers of p - q, or what rounding of the exponents may change it by.</summary>
    private double Residual(int i, bool bound)
    {
        int row = i / _columns, k = i % _columns;
        double sum = 0, p = Math.Exp(_studentLogs[row][k]), studentError = Error(_studentLogs[row][k], _studentLogSumExp[row]);
        for (int t = 0; t < _teachers; t++)
        {
            int target = (t * _batch) + (row % _batch);
            double q = Math.Exp(_targetLogs[target][k]);
            if (t != row / _batch)
                sum += bound ? (p * studentError) + (q * Error(_targetLogs[target][k], _teacherLogSumExp[target])) + 1e-37 : p - q;
        }

        return sum;
    }

    private static double Error(double log, double logSumExp) => 4 * Unit * (Math.Abs(log) + (2 * Math.Abs(logSumExp)) + 8);

    /// <summary>Log-probabilities and log-sum-exps of rows of scaled logits.</summary>
    private (double[][] Logs, double[] LogSumExp) Solve(int views, Func<int, int, double> at)
    {
        double[][] logs = new double[views * _batch][];
        double[] logSumExp = new double[views * _batch];
        for (int row = 0; row < logs.Length; row++)
        {
            double[] x = logs[row] = [.. Enumerable.Range(0, _columns).Select(k => at(row, k))];
            double max = x.Max();
            double log = Math.Log(x.Sum(value => Math.Exp(value - max)));
            logSumExp[row] = max + log;
            for (int k = 0; k < x.Length; k++)
                x[k] = x[k] - max - log;
        }

        return (logs, logSumExp);
    }
}
