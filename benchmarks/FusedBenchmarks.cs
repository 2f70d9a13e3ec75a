using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks;

/// <summary>Every fused operation of the CPU backend beside its composite from primitives, on the shapes of ViT-S/16 training. The ratio is what fusing wins.</summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByMethod)]
public class FusedBenchmarks : IDisposable
{
    private const int Rows = 8 * 197;
    private const int Width = 384;
    private const int Prototypes = 16384;

    private CpuDevice _device = null!;
    private Scope _scope = null!;
    private Backend _backend = null!;
    private View _x, _y, _dy, _dx, _gamma, _beta, _mean, _rstd, _dgamma, _dbeta;
    private View _weight, _bias, _hidden, _preActivation, _weightOut, _dweight, _dweightOut, _dbias;
    private View _samples, _factors, _some, _someMean, _someRstd, _square;
    private View _qkv, _dqkv, _attended, _logSumExp;
    private View _student, _teacher, _centre, _loss, _studentSums, _teacherSums, _entropy, _dstudent;
    private View _parameter, _gradient, _first, _second, _norms;
    private Segment[] _segments = [];

    /// <summary>Fused kernels, or the composites they replace.</summary>
    [Params(true, false)]
    public bool Fused { get; set; }

    /// <summary>Threads that compute.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Allocates operands in one scope.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _device = new CpuDevice(Threads, fused: Fused);
        _backend = _device.Backend;
        _scope = _device.OpenScope(GradMode.Off);
        (_x, _y, _dy, _dx) = (Normal(Rows, Width), Normal(Rows, Width), Normal(Rows, Width), Normal(Rows, Width));
        (_gamma, _beta, _dgamma, _dbeta) = (Normal(Width), Normal(Width), Normal(Width), Normal(Width));
        (_mean, _rstd) = (Normal(Rows), Normal(Rows));
        (_weight, _bias) = (Normal(4 * Width, Width), Normal(4 * Width));
        (_hidden, _preActivation) = (Normal(Rows, 4 * Width), Normal(Rows, 4 * Width));
        (_weightOut, _dweight, _dweightOut, _dbias) = (Normal(Width, 4 * Width), Normal(4 * Width, Width), Normal(Width, 4 * Width), Normal(4 * Width));
        _samples = _scope.Upload([0, 1, 2, 4, 5, 6, 7], [7]).View;
        (_factors, _some, _square) = (Normal(7), Normal(7 * 197, Width), Normal(Width, Width));
        (_someMean, _someRstd) = (Normal(7 * 197), Normal(7 * 197));
        (_qkv, _dqkv) = (Normal(8, 197, 3, 6, 64), Normal(8, 197, 3, 6, 64));
        (_attended, _logSumExp) = (Normal(8, 197, 384), Normal(8, 6, 197));
        (_student, _dstudent) = (Normal(80, Prototypes), Normal(80, Prototypes));
        (_teacher, _centre) = (Normal(16, Prototypes), Normal(Prototypes));
        (_loss, _entropy, _studentSums, _teacherSums) = (Normal(1), Normal(1), Normal(2, 80), Normal(2, 16));
        const int Count = 4 << 20;
        (_parameter, _gradient, _first, _second, _norms) = (Normal(Count), Normal(Count), Normal(Count), Normal(Count), Normal(1));
        _segments = [new Segment(0, Count, 1e-3f, 0.04f, 10)];
    }

    /// <summary>Rows of 384: statistics, scale and shift.</summary>
    [Benchmark]
    public void LayerNorm() => _backend.LayerNorm(_x, _gamma, _beta, 1e-6f, _y, _mean, _rstd);

    /// <summary>All three gradients.</summary>
    [Benchmark]
    public void LayerNormBackward() => _backend.LayerNormBackward(_x, _gamma, _mean, _rstd, _dy, new(_dx), new(_dgamma), new(_dbeta));

    /// <summary>Rows of 384.</summary>
    [Benchmark]
    public void Softmax() => _backend.Softmax(_x, _y);

    /// <summary>384 to 1536 with bias and erf-GELU, keeping what the backward needs.</summary>
    [Benchmark]
    public void LinearGelu() => _backend.Linear(_x, _weight, _bias, Activation.Gelu, _preActivation, _hidden);

    /// <summary>384 to 1536 and back, added to its input.</summary>
    [Benchmark]
    public void Mlp() => _backend.Mlp(_x, MlpLayers, _preActivation, _x, View.None, View.None, _y);

    /// <summary>All five gradients.</summary>
    [Benchmark]
    public void MlpBackward() =>
        _backend.MlpBackward(_x, MlpLayers, _preActivation, View.None, View.None, _dy, new(_dx), new(new(_dweight), new(_dbias), new(_dweightOut), new(_dgamma)));

    /// <summary>7 of 8 samples.</summary>
    [Benchmark]
    public void SampleLayerNorm() => _backend.SampleLayerNorm(Samples(_x), _samples, _gamma, _beta, 1e-6f, _some, _someMean, _someRstd);

    /// <summary>7 of 8 samples, all three gradients.</summary>
    [Benchmark]
    public void SampleLayerNormBackward() => _backend.SampleLayerNormBackward(Samples(_x), _samples, _gamma, _someMean, _someRstd, _some, new(Samples(_dx)), new(_dgamma), new(_dbeta));

    /// <summary>384 to 384 with bias, factors and residual, of 7 of 8 samples.</summary>
    [Benchmark]
    public void SampleLinear() => _backend.SampleLinear(_some, _samples, _square, _gamma, Samples(_x), _factors, Samples(_y));

    /// <summary>7 of 8 samples.</summary>
    [Benchmark]
    public void GatherScaled() => _backend.GatherScaled(Samples(_dy), _samples, _factors, _some);

    /// <summary>8 samples, 6 heads, 197 tokens.</summary>
    [Benchmark]
    public void Attention() => _backend.Attention(_qkv, 0.125f, _attended, _logSumExp, View.None);

    /// <summary>8 samples, 6 heads, 197 tokens.</summary>
    [Benchmark]
    public void AttentionBackward() => _backend.AttentionBackward(_qkv, 0.125f, _attended, _logSumExp, _attended, new(_dqkv));

    /// <summary>10 student views against 2 teacher views of 8 samples.</summary>
    [Benchmark]
    public void DinoLoss() => _backend.DinoLoss(_student, _teacher, _centre, 0.1f, 0.04f, 8, _loss, _studentSums, _teacherSums, _entropy);

    /// <summary>Gradient of the student's logits.</summary>
    [Benchmark]
    public void DinoLossBackward()
    {
        _backend.DinoLoss(_student, _teacher, _centre, 0.1f, 0.04f, 8, _loss, _studentSums, _teacherSums, _entropy);
        _backend.DinoLossBackward(_student, _teacher, _centre, 0.1f, 0.04f, 8, _studentSums, _teacherSums, _loss, new(_dstudent));
    }

    /// <summary>L2 norm of rows of 384.</summary>
    [Benchmark]
    public void Normalize() => _backend.Normalize(_x, 1e-12f, _y, _mean);

    /// <summary>4 Mi parameters.</summary>
    [Benchmark]
    public void AdamW() => _backend.Adam(_parameter, _gradient, _first, _second, _segments, new AdamConstants(0.9, 0.999, 1e-8f));

    /// <summary>Norm of 4 Mi gradients and the scaling.</summary>
    [Benchmark]
    public void ClipEach() => _backend.ClipEach(_gradient, _segments, 3, _norms);

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _scope.Dispose();
        _device.Dispose();
        GC.SuppressFinalize(this);
    }

    private MlpViews MlpLayers => new(_weight, _bias, _weightOut, _beta);

    private static View Samples(View rows) => rows.As([8, 197, Width]);

    private View Normal(params ReadOnlySpan<int> shape)
    {
        View view = _scope.Empty(new Shape(shape)).View;
        _backend.RandomNormal(view, new RandomKey((ulong)view.Count), 0, 1);
        return view;
    }
}
