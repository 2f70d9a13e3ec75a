using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Benchmarks;

/// <summary>Matrix products of ViT-S: forward (NT), gradient of the input (NN) and of the weight (TN).</summary>
/// <remarks>GFLOP/s are 2 · M · N · K over the mean; one core of the reference machine has an FMA peak of 256.</remarks>
public class GemmBenchmarks : IDisposable
{
    private WorkerPool _pool = null!;
    private Backend _backend = null!;
    private MatMulArguments _arguments;

    public enum Product
    {
        ForwardQkv,
        ForwardMlpOut,
        InputGradient,
        WeightGradient,
        OneRow,
    }

    [Params(1, 2)]
    public int Threads { get; set; }

    [ParamsAllValues]
    public Product Shape { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _pool = new WorkerPool(Threads);
        _backend = Vector512.IsHardwareAccelerated ? new CpuBackend<Vec512>(_pool) : new CpuBackend<Vec256>(_pool);
        (int m, int n, int k, bool transposeA, bool transposeB) = Shape switch
        {
            Product.ForwardQkv => (197, 1152, 384, false, true),
            Product.ForwardMlpOut => (1576, 384, 1536, false, true),
            Product.InputGradient => (1576, 1536, 384, false, false),
            Product.WeightGradient => (384, 1536, 1576, true, false),
            _ => (1, 1536, 384, false, true),
        };
        _arguments = MatMulArguments.Single(Random(m, k), Random(k, n), Random(m, n), m, n, k, transposeA, transposeB);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _backend.Free(_arguments.A, Bytes(_arguments.M, _arguments.K));
        _backend.Free(_arguments.B, Bytes(_arguments.K, _arguments.N));
        _backend.Free(_arguments.Y, Bytes(_arguments.M, _arguments.N));
        _backend.Dispose();
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void MatMul() => _backend.MatMul(_arguments);

    private static long Bytes(int rows, int columns) => (long)rows * columns * sizeof(float);

    private nint Random(int rows, int columns)
    {
        View view = new(_backend.Allocate(Bytes(rows, columns)), DType.F32, [rows, columns]);
        _backend.RandomUniform(view, new RandomKey(1), -1, 1);
        return view.Address;
    }
}
