using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Benchmarks;

/// <summary>Linear layers of ViT-S for one picture and for eight, with the plain weight and with packed ones.</summary>
/// <remarks>GFLOP/s are 2 · M · N · K over the mean, M = 197 tokens a picture.</remarks>
public class PackedLinearBenchmarks : IDisposable
{
    private const int Tokens = 197;
    private readonly List<(nint Address, long Bytes)> _memory = [];
    private WorkerPool _pool = null!;
    private Backend _backend = null!;
    private View _x, _weight, _bias, _y;
    private PackedView _packed;
    private Activation _activation;

    public enum Layer
    {
        Qkv,
        Projection,
        MlpIn,
        MlpOut,
    }

    public enum Format
    {
        Plain,
        F32,
        BF16,
        I8,
    }

    [Params(1, 2)]
    public int Threads { get; set; }

    [Params(1, 8)]
    public int Pictures { get; set; }

    [ParamsAllValues]
    public Layer Shape { get; set; }

    [ParamsAllValues]
    public Format Weight { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _pool = new WorkerPool(Threads);
        _backend = Vector512.IsHardwareAccelerated ? new CpuBackend<Vec512>(_pool) : new CpuBackend<Vec256>(_pool);
        (int inputs, int outputs) = Shape switch
        {
            Layer.Qkv => (384, 1152),
            Layer.Projection => (384, 384),
            Layer.MlpIn => (384, 1536),
            _ => (1536, 384),
        };
        _activation = Shape == Layer.MlpIn ? Activation.Gelu : Activation.Identity;
        int rows = Tokens * Pictures;
        (_x, _weight, _bias, _y) = (Random(rows, inputs), Random(outputs, inputs), Random(1, outputs).As([outputs]), Random(rows, outputs));
        if (Weight == Format.Plain)
            return;
        WeightFormat format = Enum.Parse<WeightFormat>(Weight.ToString());
        _packed = new PackedView(Allocate(_backend.PackedBytes(format, outputs, inputs)), format, outputs, inputs);
        _backend.Pack(_weight, _packed);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach ((nint address, long bytes) in _memory)
            _backend.Free(address, bytes);
        _memory.Clear();
        _backend.Dispose();
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Linear()
    {
        if (Weight == Format.Plain)
            _backend.Linear(_x, _weight, _bias, _activation, View.None, _y);
        else
            _backend.PackedLinear(_x, _packed, _bias, _activation, View.None, _y);
    }

    private View Random(int rows, int columns)
    {
        View view = new(Allocate((long)rows * columns * sizeof(float)), DType.F32, [rows, columns]);
        _backend.RandomUniform(view, new RandomKey(1), -1, 1);
        return view;
    }

    private nint Allocate(long bytes)
    {
        nint address = _backend.Allocate(bytes);
        _memory.Add((address, bytes));
        return address;
    }
}
