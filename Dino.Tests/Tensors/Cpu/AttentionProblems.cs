using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Multi-head attention in double precision, with bounds on what F32 arithmetic may be off by.</summary>
/// <remarks>
/// A sum of n products is granted (8 + 2 √n) u Σ|terms|, u = 2^-24, as for matrix products. An error e of the scores of a row changes its
/// probabilities by 2 e (numerator and sum); recomputing them from a rounded log-sum-exp adds u |logSumExp|. Where operands are rounded before they are
/// multiplied, every product is granted the error of that, too. Where y is kept as brain floats, so is the sum of dy y granted their unit roundoff.
/// </remarks>
internal sealed class AttentionProblems
{
    private const double Unit = ProblemBuilder.Unit;

    /// <summary>Probabilities below 1e-38 may vanish; times operands of extreme size that is still less than this.</summary>
    private const double Underflow = 1e-30;
    private readonly int _batch, _tokens, _heads, _depth;
    private readonly float _scale, _spread;
    private readonly double _operandError;
    private readonly int _seed;
    private readonly double _storageError;
    private readonly string[] _inner;

    /// <param name="operandError">Relative error of a product whose operands are rounded first.</param>
    /// <param name="isInner">qkv, y and their gradients are brain floats.</param>
    public AttentionProblems(int batch, int tokens, int heads, int depth, float spread = 1f, double operandError = 0, bool isInner = false)
    {
        _storageError = isInner ? ProblemBuilder.InnerUnit : 0;
        _inner = isInner ? ["qkv", "y", "dy", "dqkv"] : [];
        _operandError = operandError;
        (_batch, _tokens, _heads, _depth, _spread) = (batch, tokens, heads, depth, spread);
        _scale = 1f / MathF.Sqrt(depth);
        _seed = (batch * 7919) + (tokens * 31) + (heads * 7) + depth;
    }

    private Shape Qkv => [_batch, _tokens, 3, _heads, _depth];

    private Shape Y => [_batch, _tokens, _heads * _depth];

    public KernelProblem Forward(bool withProbabilities)
    {
        ProblemBuilder problem = new($"attention [{_batch}, {_tokens}, 3, {_heads}, {_depth}] x {_spread}", _seed, _inner);
        Head[] heads = Solve(problem.Normal("qkv", Qkv, 0, _spread), null);
        problem.Output("y", Y, i => AtY(heads, i).Y[i / (_heads * _depth) % _tokens, i % _depth], i => AtY(heads, i).YBound[i / (_heads * _depth) % _tokens, i % _depth] + Underflow);
        problem.Output("logSumExp", [_batch, _heads, _tokens], i => heads[i / _tokens].LogSumExp[i % _tokens], i => heads[i / _tokens].LogSumExpBound[i % _tokens]);
        if (!withProbabilities)
            return problem.Build((backend, x, _) => backend.Attention(x[0], _scale, x[1], x[2], View.None));
        int area = _tokens * _tokens;
        problem.Output(
            "probabilities", [_batch, _heads, _tokens, _tokens], i => heads[i / area].P[i / _tokens % _tokens, i % _tokens],
            i => (heads[i / area].P[i / _tokens % _tokens, i % _tokens] * heads[i / area].PError[i / _tokens % _tokens]) + Underflow);
        return problem.Build((backend, x, _) => backend.Attention(x[0], _scale, x[1], x[2], x[3]));
    }

    public KernelProblem Backward()
    {
        ProblemBuilder problem = new($"attention backward [{_batch}, {_tokens}, 3, {_heads}, {_depth}] x {_spread}", _seed, _inner);
        float[] qkv = problem.Normal("qkv", Qkv, 0, _spread), dy = problem.Round("dy", problem.Draw(Y, 0, 1));
        Head[] heads = Solve(qkv, dy);
        float[] y = new float[Y.Count], logSumExp = new float[_batch * _heads * _tokens];
        for (int i = 0; i < y.Length; i++)
            y[i] = (float)AtY(heads, i).Y[i / (_heads * _depth) % _tokens, i % _depth];
        for (int i = 0; i < logSumExp.Length; i++)
            logSumExp[i] = (float)heads[i / _tokens].LogSumExp[i % _tokens];
        problem.Input("y", Y, y);
        problem.Input("logSumExp", [_batch, _heads, _tokens], logSumExp);
        problem.Input("dy", Y, dy);
        problem.Gradient("dqkv", Qkv, i => AtQkv(heads, i).Gradient[Part(i)][Token(i), i % _depth], i => AtQkv(heads, i).GradientBound[Part(i)][Token(i), i % _depth] + Underflow);
        return problem.Build((backend, x, accumulate) => backend.AttentionBackward(x[0], _scale, x[1], x[2], x[3], new Destination(x[4], accumulate)));
    }

    private int Token(int i) => i / (3 * _heads * _depth) % _tokens;

    private int Part(int i) => i / (_heads * _depth) % 3;

    private Head AtY(Head[] heads, int i) => heads[(i / (_tokens * _heads * _depth) * _heads) + (i / _depth % _heads)];

    private Head AtQkv(Head[] heads, int i) => heads[(i / (3 * _tokens * _heads * _depth) * _heads) + (i / _depth % _heads)];

    private Head[] Solve(float[] qkv, float[]? dy)
    {
        Head[] heads = new Head[_batch * _heads];
        for (int b = 0; b < _batch; b++)
        {
            for (int h = 0; h < _heads; h++)
            {
                int sample = b, head = h;
                double At(int part, int token, int d) => qkv[(((((((sample * _tokens) + token) * 3) + part) * _heads) + head) * _depth) + d];
                heads[(b * _heads) + h] = new Head(_tokens, _depth, _scale, _operandError, _storageError, At);
                if (dy is not null)
                    heads[(b * _heads) + h].Differentiate((token, d) => dy[(((((sample * _tokens) + token) * _heads) + head) * _depth) + d]);
            }
        }

        return heads;
    }

    /// <summary>One head: q, k and v [N, D] in, everything else out.</summary>
    private sealed class Head
    {
        private readonly int _tokens, _depth;
        private readonly double _scale, _sumOfDepth, _sumOfTokens, _storageError;
        private readonly double[,] _q, _k, _v;

        public Head(int tokens, int depth, double scale, double operandError, double storageError, Func<int, int, int, double> at)
        {
            (_tokens, _depth, _scale, _storageError) = (tokens, depth, scale, storageError);
            (_sumOfDepth, _sumOfTokens) = (((8 + (2 * Math.Sqrt(depth))) * Unit) + operandError, ((8 + (2 * Math.Sqrt(tokens))) * Unit) + operandError);
            (_q, _k, _v) = (Table(depth, (i, d) => at(0, i, d)), Table(depth, (i, d) => at(1, i, d)), Table(depth, (i, d) => at(2, i, d)));
            P = new double[tokens, tokens];
            for (int i = 0; i < tokens; i++)
                SolveRow(i);
            Y = Table(depth, (i, d) => Sum(tokens, j => P[i, j] * _v[j, d]));
            YBound = Table(depth, (i, d) => (PError[i] + _sumOfTokens) * Sum(tokens, j => P[i, j] * Math.Abs(_v[j, d])));
        }

        public double[,] P { get; }

        /// <summary>Relative error of the probabilities of a row.</summary>
        public double[] PError => field ??= new double[_tokens];

        public double[] LogSumExp => field ??= new double[_tokens];

        public double[] LogSumExpBound => field ??= new double[_tokens];

        public double[,] Y { get; }

        public double[,] YBound { get; }

        /// <summary>dq, dk and dv.</summary>
        public double[][,] Gradient { get; private set; } = [];

        public double[][,] GradientBound { get; private set; } = [];

        public void Differentiate(Func<int, int, double> dy)
        {
            double[,] ds = new double[_tokens, _tokens], error = new double[_tokens, _tokens];
            for (int i = 0; i < _tokens; i++)
            {
                double dot = Sum(_depth, d => dy(i, d) * Y[i, d]), largest = Enumerable.Range(0, _tokens).Max(j => Sum(_depth, d => Math.Abs(dy(i, d) * _v[j, d])));
                for (int j = 0; j < _tokens; j++)
                {
                    double difference = Sum(_depth, d => dy(i, d) * _v[j, d]) - dot;
                    ds[i, j] = P[i, j] * difference;
                    error[i, j] = P[i, j] * ((((3 * _sumOfDepth) + _storageError) * largest) + (PError[i] * (Math.Abs(difference) + largest))) + (_sumOfTokens * Math.Abs(ds[i, j]));
                }
            }

            Gradient =
            [
                Table(_depth, (i, d) => _scale * Sum(_tokens, j => ds[i, j] * _k[j, d])),
                Table(_depth, (j, d) => _scale * Sum(_tokens, i => ds[i, j] * _q[i, d])),
                Table(_depth, (j, d) => Sum(_tokens, i => P[i, j] * dy(i, d))),
            ];
            GradientBound =
            [
                Table(_depth, (i, d) => _scale * Sum(_tokens, j => error[i, j] * Math.Abs(_k[j, d]))),
                Table(_depth, (j, d) => _scale * Sum(_tokens, i => error[i, j] * Math.Abs(_q[i, d]))),
                Table(_depth, (j, d) => Sum(_tokens, i => P[i, j] * (PError[i] + _sumOfTokens) * Math.Abs(dy(i, d)))),
            ];
        }

        private void SolveRow(int i)
        {
            double[] scores = new double[_tokens];
            double largest = double.NegativeInfinity, magnitude = 0;
            for (int j = 0; j < _tokens; j++)
            {
                scores[j] = _scale * Sum(_depth, d => _q[i, d] * _k[j, d]);
                largest = Math.Max(largest, scores[j]);
                magnitude = Math.Max(magnitude, _scale * Sum(_depth, d => Math.Abs(_q[i, d] * _k[j, d])));
            }

            LogSumExp[i] = largest + Math.Log(Sum(_tokens, j => Math.Exp(scores[j] - largest)));
            LogSumExpBound[i] = (_sumOfDepth * magnitude) + (2 * Unit * (Math.Abs(LogSumExp[i]) + 8));
            PError[i] = 2 * LogSumExpBound[i];
            for (int j = 0; j < _tokens; j++)
                P[i, j] = Math.Exp(scores[j] - LogSumExp[i]);
        }

        private double[,] Table(int columns, Func<int, int, double> at)
        {
            double[,] table = new double[_tokens, columns];
            for (int i = 0; i < _tokens; i++)
            {
                for (int j = 0; j < columns; j++)
                    table[i, j] = at(i, j);
            }

            return table;
        }

        private static double Sum(int count, Func<int, double> term)
        {
            double sum = 0;
            for (int i = 0; i < count; i++)
                sum += term(i);
            return sum;
        }
    }
}
