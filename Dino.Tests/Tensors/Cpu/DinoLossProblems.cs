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
    private readonly Rows _studentRows, _targets;

    public DinoLossProblems(int students, int teachers, int batch, int columns, float spread = 1f, bool centred = true, float teacherTemperature = 0.04f, float studentTemperature = 0.1f)
    {
        (_students, _teachers, _batch, _columns) = (students, teachers, batch, columns);
        (_studentTemperature, _teacherTemperature) = (studentTemperature, teacherTemperature);
        ProblemBuilder draw = new("", (columns * 31) + students + teachers);
        _student = draw.Draw([students * batch, columns], 0, spread);
        _teacher = draw.Draw([teachers * batch, columns], 0, spread);
        _centre = draw.Draw([columns], 0, centred ? 0.3f * spread : 0);
        _studentRows = new Rows(students * batch, columns, studentTemperature, (row, k) => (_student[(row * columns) + k], 0));
        _targets = new Rows(teachers * batch, columns, teacherTemperature, (row, k) => (_teacher[(row * columns) + k], _centre[k]));
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
        problem.Output("studentSums", [2, _students * _batch], i => _studentRows.Sums[i], i => _studentRows.SumBounds[i]);
        problem.Output("teacherSums", [2, _teachers * _batch], i => _targets.Sums[i], i => _targets.SumBounds[i]);
        problem.Output("teacherEntropy", [1], _ => entropy, _ => relative * Math.Max(entropy, loss));
        return problem.Build((backend, x, _) => backend.DinoLoss(x[0], x[1], x[2], _studentTemperature, _teacherTemperature, _batch, x[3], x[4], x[5], x[6]));
    }

    public KernelProblem Backward()
    {
        ProblemBuilder problem = new("DINO loss backward " + Name, 0);
        AddLogits(problem);
        problem.Input("studentSums", [2, _students * _batch], Array.ConvertAll(_studentRows.Sums, value => (float)value));
        problem.Input("teacherSums", [2, _teachers * _batch], Array.ConvertAll(_targets.Sums, value => (float)value));
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
                        total -= Math.Exp(_targets.Logs[(t * _batch) + b][k]) * _studentRows.Logs[(s * _batch) + b][k];
                }
            }
        }

        return total / (Pairs * (double)_batch);
    }

    private double Entropy() => _targets.Logs.Sum(row => -row.Sum(log => Math.Exp(log) * log)) / _targets.Logs.Length;

    /// <summary>Σ over teachers of p - q, or what rounding of the exponents may change it by.</summary>
    private double Residual(int i, bool bound)
    {
        int row = i / _columns, k = i % _columns;
        double sum = 0, p = Math.Exp(_studentRows.Logs[row][k]);
        for (int t = 0; t < _teachers; t++)
        {
            int target = (t * _batch) + (row % _batch);
            double q = Math.Exp(_targets.Logs[target][k]);
            if (t != row / _batch)
                sum += bound ? (p * _studentRows.Error(row, k)) + (q * _targets.Error(target, k)) + 1e-37 : p - q;
        }

        return sum;
    }

    /// <summary>Rows of logits, less a centre, as log-probabilities at a temperature.</summary>
    private sealed class Rows
    {
        private readonly double _temperature;
        private readonly double[][] _rounding;

        public Rows(int rows, int columns, double temperature, Func<int, int, (float Logit, float Centre)> at)
        {
            _temperature = temperature;
            (Logs, _rounding, Sums, SumBounds) = (new double[rows][], new double[rows][], new double[2 * rows], new double[2 * rows]);
            for (int row = 0; row < rows; row++)
            {
                double[] x = Logs[row] = new double[columns], rounding = _rounding[row] = new double[columns];
                for (int k = 0; k < columns; k++)
                {
                    (float logit, float centre) = at(row, k);
                    x[k] = (double)logit - centre;
                    rounding[k] = centre == 0 ? 0 : Unit * Math.Abs(x[k]);
                }

                double max = x.Max(), sum = x.Sum(value => Math.Exp((value - max) / temperature));
                for (int k = 0; k < columns; k++)
                    x[k] = ((x[k] - max) / temperature) - Math.Log(sum);
                (Sums[row], Sums[rows + row]) = (max, sum);
                SumBounds[row] = rounding.Max();
                SumBounds[rows + row] = sum * Enumerable.Range(0, columns).Sum(k => Math.Exp(x[k]) * Error(row, k));
            }
        }

        public double[][] Logs { get; }

        /// <summary>[2, rows]: largest logits and sums, and what F32 may change them by.</summary>
        public double[] Sums { get; }

        public double[] SumBounds { get; }

        /// <summary>Relative error of a probability: roundings of logit less centre, of the exponent (4 u), of the exponential and the sum.</summary>
        public double Error(int row, int k) =>
            ((_rounding[row][k] + SumBounds[row]) / _temperature) + (4 * Unit * (Math.Abs(Logs[row][k]) + Math.Log(Logs[row].Length) + 2));
    }
}
