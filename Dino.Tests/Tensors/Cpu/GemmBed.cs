using System.Runtime.InteropServices;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>One matrix product to test: its form, padding between rows, and batches.</summary>
public sealed record GemmCase(int M, int N, int K)
{
    public bool TransposeA { get; init; }
    public bool TransposeB { get; init; }
    public float Alpha { get; init; } = 1;
    public float Beta { get; init; }
    public int PadA { get; init; }
    public int PadB { get; init; }
    public int PadY { get; init; }
    public int Outer { get; init; } = 1;
    public int Inner { get; init; } = 1;
    public bool SharedA { get; init; }
    public bool SharedB { get; init; }
    public bool SharedY { get; init; }
}

/// <summary>Operands of a case in native memory: random values, NaN wherever a product must not look or write.</summary>
internal sealed unsafe class GemmData : IDisposable
{
    private readonly float* _a, _b, _y;
    private readonly int _lengthA, _lengthB, _lengthY;

    public GemmData(GemmCase x)
    {
        Case = x;
        (int rowsA, int columnsA) = x.TransposeA ? (x.K, x.M) : (x.M, x.K);
        (int rowsB, int columnsB) = x.TransposeB ? (x.N, x.K) : (x.K, x.N);
        long sizeA = (long)rowsA * (columnsA + x.PadA) + 1, sizeB = (long)rowsB * (columnsB + x.PadB) + 3, sizeY = (long)x.M * (x.N + x.PadY) + 5;
        int count = x.Outer * x.Inner;
        Random random = new(x.M * 31 + x.N * 7 + x.K);
        _a = Allocate(random, x.SharedA ? 1 : count, sizeA, rowsA, columnsA, columnsA + x.PadA);
        _b = Allocate(random, x.SharedB ? 1 : count, sizeB, rowsB, columnsB, columnsB + x.PadB);
        _lengthA = (int)sizeA * (x.SharedA ? 1 : count);
        _lengthB = (int)sizeB * (x.SharedB ? 1 : count);
        _lengthY = (int)sizeY * (x.SharedY ? 1 : count);
        // With beta 0, y must be written without being read: all of it is NaN.
        _y = Allocate(random, x.SharedY ? 1 : count, sizeY, x.Beta == 0 ? 0 : x.M, x.N, x.N + x.PadY);
        Arguments = new MatMulArguments
        {
            A = (nint)_a, B = (nint)_b, Y = (nint)_y, M = x.M, N = x.N, K = x.K, TransposeA = x.TransposeA, TransposeB = x.TransposeB,
            StrideA = columnsA + x.PadA, StrideB = columnsB + x.PadB, StrideY = x.N + x.PadY, Alpha = x.Alpha, Beta = x.Beta,
            OuterBatch = x.Outer, InnerBatch = x.Inner,
            OuterStrideA = x.SharedA ? 0 : sizeA * x.Inner, InnerStrideA = x.SharedA ? 0 : sizeA,
            OuterStrideB = x.SharedB ? 0 : sizeB * x.Inner, InnerStrideB = x.SharedB ? 0 : sizeB,
            OuterStrideY = x.SharedY ? 0 : sizeY * x.Inner, InnerStrideY = x.SharedY ? 0 : sizeY,
        };
    }

    public GemmCase Case { get; }

    public MatMulArguments Arguments { get; }

    public ReadOnlySpan<float> A => new(_a, _lengthA);

    public ReadOnlySpan<float> B => new(_b, _lengthB);

    public float[] ReadY() => new ReadOnlySpan<float>(_y, _lengthY).ToArray();

    /// <summary>What y has to hold, in double precision, and the sum of magnitudes behind each element; NaN where nothing may be written.</summary>
    public (double[] Values, double[] Magnitudes) Expect()
    {
        float[] y = ReadY();
        double[] values = Array.ConvertAll(y, value => (double)value), magnitudes = new double[y.Length];
        for (int outer = 0; outer < Case.Outer; outer++)
        {
            for (int inner = 0; inner < Case.Inner; inner++)
                AddMatrix(outer, inner, values, magnitudes);
        }

        return (values, magnitudes);
    }

    private void AddMatrix(int outer, int inner, double[] values, double[] magnitudes)
    {
        MatMulArguments x = Arguments;
        float* a = _a + outer * x.OuterStrideA + inner * x.InnerStrideA;
        float* b = _b + outer * x.OuterStrideB + inner * x.InnerStrideB;
        long first = outer * x.OuterStrideY + inner * x.InnerStrideY;
        for (int i = 0; i < x.M; i++)
        {
            for (int j = 0; j < x.N; j++)
            {
                double sum = 0, magnitude = 0;
                for (int k = 0; k < x.K; k++)
                {
                    double term = (double)a[x.TransposeA ? k * x.StrideA + i : i * x.StrideA + k] * b[x.TransposeB ? j * x.StrideB + k : k * x.StrideB + j];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                long at = first + i * x.StrideY + j;
                double old = x.Beta == 0 ? 0 : x.Beta * values[at];
                values[at] = x.Alpha * sum + old;
                magnitudes[at] += Math.Abs(x.Alpha) * magnitude + Math.Abs(old);
            }
        }
    }

    private static float* Allocate(Random random, int count, long size, int rows, int columns, int stride)
    {
        float* memory = (float*)NativeMemory.AlignedAlloc((nuint)(count * size * sizeof(float)), 64);
        new Span<float>(memory, checked((int)(count * size))).Fill(float.NaN);
        for (int matrix = 0; matrix < count; matrix++)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                    memory[matrix * size + (long)i * stride + j] = random.NextSingle() * 2 - 1;
            }
        }

        return memory;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_a);
        NativeMemory.AlignedFree(_b);
        NativeMemory.AlignedFree(_y);
    }
}

/// <summary>A backend of one vector width on a pool of its own.</summary>
internal sealed class GemmBed<V> : IDisposable
    where V : struct, IVec<V>
{
    private readonly WorkerPool _pool;

    public GemmBed(int threads)
    {
        _pool = new WorkerPool(threads);
        Backend = new CpuBackend<V>(_pool);
        Primitives = new CpuPrimitives<V>(_pool);
    }

    public Backend Backend { get; }

    public Backend Primitives { get; }

    public void AssertAgrees(GemmCase x)
    {
        using GemmData data = new(x);
        (double[] values, double[] magnitudes) = data.Expect();
        Backend.MatMul(data.Arguments);
        float[] actual = data.ReadY();
        // Rounding errors of a sum of K terms grow at worst like K u Σ|terms|, u = 2^-24; random signs make them like √K u.
        double unit = Math.Pow(2, -24) * (4 + 2 * Math.Sqrt(x.K)) * x.Outer * x.Inner;
        for (int i = 0; i < actual.Length; i++)
        {
            bool agrees = double.IsNaN(values[i]) ? float.IsNaN(actual[i]) : Math.Abs(actual[i] - values[i]) <= unit * magnitudes[i] + 1e-30;
            Assert.True(agrees, $"{typeof(V).Name} {x}: element {i} is {actual[i]}, expected {values[i]}.");
        }
    }

    public void Dispose()
    {
        Backend.Dispose();
        Primitives.Dispose();
        _pool.Dispose();
    }
}
