using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks;

/// <summary>Elementwise primitives beside System.Numerics.Tensors.TensorPrimitives, one thread, in cache and in memory.</summary>
public class PrimitiveBenchmarks : IDisposable
{
    private CpuDevice _device = null!;
    private Scope _scope = null!;
    private float[] _a = [], _b = [];
    private View _x, _y;

    /// <summary>Elements.</summary>
    [Params(8192, 1 << 22)]
    public int Count { get; set; }

    /// <summary>Allocates operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _device = new CpuDevice(1);
        _scope = _device.OpenScope(GradMode.Off);
        (_x, _y) = (_scope.Empty([Count]).View, _scope.Empty([Count]).View);
        _device.Backend.RandomNormal(_x, new RandomKey(1), 0, 1);
        (_a, _b) = (new float[Count], new float[Count]);
        for (int i = 0; i < Count; i++)
            _a[i] = i % 17 / 17f;
    }

    /// <summary>Ours.</summary>
    [Benchmark]
    public void Exp() => _device.Backend.Unary(UnaryOp.Exp, _x, _y);

    /// <summary>The platform's.</summary>
    [Benchmark]
    public void PlatformExp() => TensorPrimitives.Exp<float>(_a, _b);

    /// <summary>Ours.</summary>
    [Benchmark]
    public void Tanh() => _device.Backend.Unary(UnaryOp.Tanh, _x, _y);

    /// <summary>The platform's.</summary>
    [Benchmark]
    public void PlatformTanh() => TensorPrimitives.Tanh<float>(_a, _b);

    /// <summary>Ours; the platform has no erf.</summary>
    [Benchmark]
    public void Gelu() => _device.Backend.Unary(UnaryOp.Gelu, _x, _y);

    /// <summary>Ours.</summary>
    [Benchmark]
    public void Add() => _device.Backend.Binary(BinaryOp.Add, _x, _x, _y, Broadcast.None);

    /// <summary>The platform's.</summary>
    [Benchmark]
    public void PlatformAdd() => TensorPrimitives.Add<float>(_a, _a, _b);

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _scope.Dispose();
        _device.Dispose();
        GC.SuppressFinalize(this);
    }
}
