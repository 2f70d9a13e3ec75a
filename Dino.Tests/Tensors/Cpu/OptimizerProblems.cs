using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Optimizer steps and clipping over segments with gaps between them, with scalar references. u = 2^-24.</summary>
internal static class OptimizerProblems
{
    private const double U = ProblemBuilder.Unit;

    /// <summary>Every problem of this file by name.</summary>
    public static readonly IReadOnlyDictionary<string, Func<int[], KernelProblem>> All = new Dictionary<string, Func<int[], KernelProblem>>
    {
        ["AdamW"] = lengths => Adam(lengths, new AdamConstants(0.9, 0.999, 1e-8f)),
        ["Adam"] = lengths => Adam(lengths, new AdamConstants(0.9, 0.95, 1e-6f, Decoupled: false)),
        ["SgdPlain"] = lengths => Sgd(lengths, new SgdConstants(0, 0, false)),
        ["SgdMomentum"] = lengths => Sgd(lengths, new SgdConstants(0.9f, 0.1f, false)),
        ["SgdNesterov"] = lengths => Sgd(lengths, new SgdConstants(0.9f, 0, true)),
        ["Lars"] = lengths => Lars(lengths, new LarsConstants(0.9f, 0.001f)),
        ["AdamWSweep"] = lengths => Adam(lengths, new AdamConstants(0.9, 0.999, 1e-8f), sweeps: true),
        ["AdamSweep"] = lengths => Adam(lengths, new AdamConstants(0.9, 0.95, 1e-6f, Decoupled: false), sweeps: true),
        ["SgdPlainSweep"] = lengths => Sgd(lengths, new SgdConstants(0, 0, false), sweeps: true),
        ["SgdNesterovSweep"] = lengths => Sgd(lengths, new SgdConstants(0.9f, 0, true), sweeps: true),
        ["LarsSweep"] = lengths => Lars(lengths, new LarsConstants(0.9f, 0.001f), sweeps: true),
        ["Norms"] = lengths => Clip(lengths, 0, together: false),
        ["ClipEach"] = lengths => Clip(lengths, 3, together: false),
        ["ClipTogether"] = lengths => Clip(lengths, 3, together: true),
        ["ClipTogetherLoose"] = lengths => Clip(lengths, 1e4f, together: true),
    };

    private static KernelProblem Adam(int[] lengths, AdamConstants constants, bool sweeps = false)
    {
        Layout layout = new(lengths) { Sweeps = sweeps };
        ProblemBuilder problem = new($"{constants} over {layout.Size}", layout.Size);
        float[] p = problem.Draw([layout.Size], 0, 1), m = problem.Draw([layout.Size], 0, 0.1), v = [.. problem.Draw([layout.Size], 0, 0.1).Select(MathF.Abs)];
        float[] g = problem.Normal("g", [layout.Size]);
        double Gradient(int i, Segment s) => layout.ClipFactor(s) * g[i] + (constants.Decoupled ? 0 : (double)s.WeightDecay * p[i]);
        double First(int i, Segment s) => (s.Step == 1 ? 0 : constants.Beta1 * m[i]) + (1 - constants.Beta1) * Gradient(i, s);
        double Second(int i, Segment s) => (s.Step == 1 ? 0 : constants.Beta2 * v[i]) + (1 - constants.Beta2) * Gradient(i, s) * Gradient(i, s);
        double Update(int i, Segment s) => s.LearningRate / (1 - Math.Pow(constants.Beta1, s.Step)) * First(i, s)
            / (Math.Sqrt(Second(i, s)) / Math.Sqrt(1 - Math.Pow(constants.Beta2, s.Step)) + constants.Epsilon);
        double Shrink(Segment s) => constants.Decoupled ? 1 - (double)s.LearningRate * s.WeightDecay : 1;

        // p rounds three times: the shrinking factor, the product, the sum. First may cancel: its error is that of its larger term, and reaches p through the update.
        double FirstBound(int i, Segment s) => 4 * U * (Math.Abs(m[i]) + Math.Abs(g[i]) + Math.Abs(s.WeightDecay * p[i]));
        double After(int i, Segment s) => Shrink(s) * p[i] - Update(i, s);
        double Bound(int i, Segment s) => 3 * U * Math.Abs(p[i]) + 16 * U * Math.Abs(Update(i, s))
            + (First(i, s) == 0 ? 0 : Math.Abs(Update(i, s) / First(i, s)) * FirstBound(i, s));
        layout.InPlace(problem, "p", p, After, Bound);
        layout.InPlace(problem, "m", m, First, FirstBound);
        layout.InPlace(problem, "v", v, Second, (i, s) => 8 * U * Math.Abs(Second(i, s)) + 8 * U * (1 - constants.Beta2) * (g[i] * g[i] + Math.Pow(s.WeightDecay * p[i], 2)));
        layout.AddSweep(problem, After, Bound);
        return problem.Build((backend, x, _) => backend.Adam(x[1], x[0], x[2], x[3], layout.Segments, constants, layout.Extras(x, 4)));
    }

    private static KernelProblem Sgd(int[] lengths, SgdConstants constants, bool sweeps = false)
    {
        Layout layout = new(lengths) { Sweeps = sweeps };
        ProblemBuilder problem = new($"{constants} over {layout.Size}", layout.Size);
        float[] p = problem.Draw([layout.Size], 0, 1), u = problem.Draw([layout.Size], 0, 1);
        float[] g = problem.Normal("g", [layout.Size]);
        double Gradient(int i, Segment s) => layout.ClipFactor(s) * g[i] + (double)s.WeightDecay * p[i];
        double Buffer(int i, Segment s) => constants.Momentum == 0 ? u[i] : s.Step == 1 ? Gradient(i, s) : (double)constants.Momentum * u[i] + (1 - (double)constants.Dampening) * Gradient(i, s);
        double Direction(int i, Segment s) => constants.Momentum == 0 ? Gradient(i, s) : constants.Nesterov ? Gradient(i, s) + constants.Momentum * Buffer(i, s) : Buffer(i, s);
        double Size(int i, Segment s) => Math.Abs(g[i]) + Math.Abs(s.WeightDecay * p[i]) + Math.Abs(u[i]);

        // A clip factor is rounded up to four times, its product with the gradient once.
        double clipping = sweeps ? 5 * U : 0;
        double After(int i, Segment s) => p[i] - s.LearningRate * Direction(i, s);
        double Bound(int i, Segment s) => 2 * U * Math.Abs(p[i]) + s.LearningRate * (8 * U + 2 * clipping) * Size(i, s);
        layout.InPlace(problem, "p", p, After, Bound);
        layout.InPlace(problem, "u", u, Buffer, (i, s) => constants.Momentum == 0 ? 0 : (4 * U + clipping) * Size(i, s));
        layout.AddSweep(problem, After, Bound);
        return problem.Build((backend, x, _) => backend.Sgd(x[1], x[0], x[2], layout.Segments, constants, layout.Extras(x, 3)));
    }

    private static KernelProblem Lars(int[] lengths, LarsConstants constants, bool sweeps = false)
    {
        Layout layout = new(lengths) { Sweeps = sweeps };
        ProblemBuilder problem = new($"{constants} over {layout.Size}", layout.Size);
        float[] p = problem.Draw([layout.Size], 0, 1), u = problem.Draw([layout.Size], 0, 0.01);
        float[] g = problem.Draw([layout.Size], 0, 1);

        // One segment without weight and one without update: their trust ratio is 1.
        Segment[] segments = layout.Segments;
        p.AsSpan((int)segments[0].Offset, (int)segments[0].Length).Clear();
        if (segments.Length > 1)
        {
            p.AsSpan((int)segments[1].Offset, (int)segments[1].Length).Clear();
            g.AsSpan((int)segments[1].Offset, (int)segments[1].Length).Clear();
        }

        problem.Input("g", [layout.Size], g);
        double Decayed(int i, Segment s) => layout.ClipFactor(s) * g[i] + (s.Adapt ? (double)s.WeightDecay * p[i] : 0);
        double[] weight = layout.Norms((i, _) => p[i]), update = layout.Norms(Decayed);
        double Trust(Segment s)
        {
            int k = Array.IndexOf(segments, s);
            return s.Adapt && weight[k] > 0 && update[k] > 0 ? constants.TrustCoefficient * weight[k] / update[k] : 1;
        }

        double Buffer(int i, Segment s) => (s.Step == 1 ? 0 : (double)constants.Momentum * u[i]) + Trust(s) * Decayed(i, s);
        double Size(int i, Segment s) => Math.Abs(u[i]) + Trust(s) * (Math.Abs(g[i]) + Math.Abs(s.WeightDecay * p[i]));
        double After(int i, Segment s) => p[i] - s.LearningRate * Buffer(i, s);
        double Bound(int i, Segment s) => 2 * U * Math.Abs(p[i]) + 16 * U * s.LearningRate * Size(i, s);
        layout.InPlace(problem, "p", p, After, Bound);
        layout.InPlace(problem, "u", u, Buffer, (i, s) => 16 * U * Size(i, s));
        layout.AddSweep(problem, After, Bound);
        return problem.Build((backend, x, _) => backend.Lars(x[1], x[0], x[2], layout.Segments, constants, layout.Extras(x, 3)));
    }

    private static KernelProblem Clip(int[] lengths, float maxNorm, bool together)
    {
        Layout layout = new(lengths);
        ProblemBuilder problem = new($"Clip to {maxNorm}, together {together}, over {layout.Size}", layout.Size);
        float[] g = problem.Draw([layout.Size], 0, 1);
        double[] norms = layout.Norms((i, _) => g[i]);
        double all = Math.Sqrt(norms.Sum(norm => norm * norm));
        double Factor(Segment s) => maxNorm <= 0 ? 1 : Math.Min(1, maxNorm / ((together ? all : norms[Array.IndexOf(layout.Segments, s)]) + 1e-6));
        layout.InPlace(problem, "g", g, (i, s) => g[i] * Factor(s), (i, s) => Factor(s) == 1 ? 0 : 16 * U * Math.Abs(g[i] * Factor(s)));
        problem.Output("norms", [together ? 1 : lengths.Length], i => together ? all : norms[i], i => 8 * U * (together ? all : norms[i]));
        return together
            ? problem.Build((backend, x, _) => backend.ClipTogether(x[0], layout.Segments, maxNorm, x[1]))
            : problem.Build((backend, x, _) => backend.ClipEach(x[0], layout.Segments, maxNorm, x[1]));
    }

    /// <summary>Segments of given lengths, each after a gap that no kernel may touch, at different steps and rates.</summary>
    private sealed class Layout
    {
        private readonly int[] _segmentOf;

        public Layout(int[] lengths)
        {
            List<Segment> segments = [];
            foreach (int length in lengths)
            {
                int k = segments.Count;
                segments.Add(new Segment(Size + 3 + k, length, 0.01f * (k + 1), k % 3 == 2 ? 0f : 0.04f, 1 + ((k * 5) % 7), Adapt: k % 4 != 3, Norm: lengths.Length - 1 - k));
                Size += 3 + k + length;
            }

            Size += 5;
            Segments = [.. segments];
            _segmentOf = new int[Size];
            Array.Fill(_segmentOf, -1);
            for (int k = 0; k < Segments.Length; k++)
                Array.Fill(_segmentOf, k, (int)Segments[k].Offset, (int)Segments[k].Length);
        }

        public int Size { get; }

        public Segment[] Segments { get; }

        /// <summary>Whether the step clips and is followed on its way.</summary>
        public bool Sweeps { get; init; }

        private const float MaxNorm = 2;

        private const double Momentum = 0.996;

        // Some above the bound, one at zero; in another order than the segments, so that each must find its own.
        private float NormOf(int position) => position % 5;

        public double ClipFactor(Segment s) => Sweeps ? Math.Min(1, MaxNorm / (NormOf(s.Norm) + 1e-6)) : 1;

        public SweepExtras Extras(View[] x, int first) => Sweeps ? new SweepExtras(x[first], MaxNorm, x[first + 1], Momentum) : default;

        /// <summary>Adds the norms and the follower of parameters that are <paramref name="after"/> to within <paramref name="bound"/>.</summary>
        public void AddSweep(ProblemBuilder problem, Func<int, Segment, double> after, Func<int, Segment, double> bound)
        {
            if (!Sweeps)
                return;
            problem.Input("norms", [Segments.Length], [.. Enumerable.Range(0, Segments.Length).Select(NormOf)]);
            float[] f = problem.Draw([Size], 0, 1);
            InPlace(problem, "f", f, (i, s) => Momentum * f[i] + (1 - Momentum) * after(i, s),
                (i, s) => 3 * U * (Math.Abs(f[i]) + (1 - Momentum) * Math.Abs(after(i, s))) + (1 - Momentum) * bound(i, s));
        }

        public double[] Norms(Func<int, Segment, double> element)
        {
            double[] squares = new double[Segments.Length];
            for (int i = 0; i < Size; i++)
            {
                if (_segmentOf[i] >= 0)
                    squares[_segmentOf[i]] += Math.Pow(element(i, Segments[_segmentOf[i]]), 2);
            }

            return [.. squares.Select(Math.Sqrt)];
        }

        public void InPlace(ProblemBuilder problem, string name, float[] values, Func<int, Segment, double> expected, Func<int, Segment, double> bound) => problem.InPlace(
            name, [Size], values,
            i => _segmentOf[i] < 0 ? values[i] : expected(i, Segments[_segmentOf[i]]),
            i => _segmentOf[i] < 0 ? 0 : bound(i, Segments[_segmentOf[i]]));
    }
}
