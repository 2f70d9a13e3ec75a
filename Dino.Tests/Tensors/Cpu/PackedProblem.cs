using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Which residual a product adds.</summary>
internal enum Residual
{
    None,
    Separate,

    /// <summary>The memory of the result.</summary>
    InPlace,
}

/// <summary>One linear layer with a packed weight, in guarded memory.</summary>
internal sealed class PackedProblem
{
    private readonly int _m, _n, _k;
    private readonly float[] _bias, _residual;

    public PackedProblem(int m, int n, int k)
    {
        (_m, _n, _k) = (m, n, k);
        Random random = new((m * 31) + (n * 7) + k);
        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
        // Inputs with an offset: a quantiser that forgot it would pass with symmetric ones.
        X = [.. Draw(m * k).Select(value => value + 0.5f)];
        (Weight, _bias, _residual) = (Draw(n * k), Draw(n), Draw(m * n));
    }

    public float[] X { get; }

    public float[] Weight { get; }

    public float[] Run(Backend backend, WeightFormat format, Activation activation, bool hasBias, Residual residual)
    {
        using Memory memory = new(this, backend, format);
        backend.Pack(memory.Weight.View, memory.Packed);
        if (residual == Residual.InPlace)
            _residual.CopyTo(memory.Y.Floats);
        View added = residual switch { Residual.None => View.None, Residual.Separate => memory.Residual.View, _ => memory.Y.View };
        backend.PackedLinear(memory.X.View, memory.Packed, hasBias ? memory.Bias.View : View.None, activation, added, memory.Y.View);
        Assert.Equal(X, memory.X.Floats.ToArray());
        return memory.Y.Floats.ToArray();
    }

    /// <summary>The layer with its bias and the plain weight.</summary>
    public float[] RunUnpacked(Backend backend, Activation activation)
    {
        using Memory memory = new(this, backend, WeightFormat.F32);
        backend.Linear(memory.X.View, memory.Weight.View, memory.Bias.View, activation, View.None, memory.Y.View);
        return memory.Y.Floats.ToArray();
    }

    /// <summary>Managed bytes that a warm call allocates.</summary>
    public long AllocatedBytes(Backend backend, WeightFormat format)
    {
        using Memory memory = new(this, backend, format);
        backend.Pack(memory.Weight.View, memory.Packed);
        long before = 0;
        for (int i = 0; i < 10; i++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            backend.PackedLinear(memory.X.View, memory.Packed, memory.Bias.View, Activation.Gelu, memory.Residual.View, memory.Y.View);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>x · weightᵀ.</summary>
    public double[] Product()
    {
        double[] y = new double[_m * _n];
        for (int i = 0; i < y.Length; i++)
        {
            for (int k = 0; k < _k; k++)
                y[i] += (double)X[(i / _n * _k) + k] * Weight[(i % _n * _k) + k];
        }

        return y;
    }

    /// <summary>Σ |x| |w| of an element, with the largest |x| of the row in place of each.</summary>
    public double Magnitude(int element) =>
        Row(element).Max(Math.Abs) * Column(element).Sum(value => (double)Math.Abs(value));

    /// <summary>How far a product may be from the exact one: the format's rounding of each operand, and that of the sum.</summary>
    public double[] Bound(WeightFormat format)
    {
        double[] bound = new double[_m * _n];
        for (int i = 0; i < bound.Length; i++)
        {
            (float[] x, float[] w) = (Row(i), Column(i));
            double rounding = 3 * Magnitude(i) / (1 << 24) * (8 + (2 * Math.Sqrt(_k)));
            // BF16 keeps 8 bits. I8 is off by half a step at most, of a 127th of the largest weight and a 255th of the range of the inputs.
            double stepX = (x.Max() - x.Min()) / 255, stepW = w.Max(Math.Abs) / 127;
            bound[i] = rounding + format switch
            {
                WeightFormat.F32 => 0,
                WeightFormat.BF16 => Magnitude(i) / 512,
                _ => x.Zip(w, (a, b) => (Math.Abs(a) * stepW / 2) + (Math.Abs(b) * stepX / 2) + (stepX * stepW / 4)).Sum() * (1 + 1e-4),
            };
        }

        return bound;
    }

    private float[] Row(int element) => X[(element / _n * _k)..((element / _n * _k) + _k)];

    private float[] Column(int element) => Weight[(element % _n * _k)..((element % _n * _k) + _k)];

    /// <summary>The operands, each between guards.</summary>
    private sealed class Memory(PackedProblem problem, Backend backend, WeightFormat format) : IDisposable
    {
        private readonly GuardedMemory _packed = new([checked((int)backend.PackedBytes(format, problem._n, problem._k))], DType.U8);

        public GuardedMemory X { get; } = new([problem._m, problem._k], problem.X);

        public GuardedMemory Weight { get; } = new([problem._n, problem._k], problem.Weight);

        public GuardedMemory Bias { get; } = new([problem._n], problem._bias);

        public GuardedMemory Residual { get; } = new([problem._m, problem._n], problem._residual);

        public GuardedMemory Y { get; } = new([problem._m, problem._n]);

        public PackedView Packed => new(_packed.View.Address, format, problem._n, problem._k);

        public void Dispose()
        {
            foreach (GuardedMemory memory in new[] { _packed, X, Weight, Bias, Residual, Y })
                memory.Dispose();
        }
    }
}
