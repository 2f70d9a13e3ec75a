using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>One kernel through the backend's public members, on the shapes of ViT-S/16 with 8 pictures.</summary>
internal sealed class KernelWorkload : IWorkload
{
    private readonly CpuDevice _device;
    private readonly Scope _scope;
    private readonly Action<Backend> _run;
    private readonly View _result;

    public KernelWorkload(Kernel kernel, int threads)
    {
        _device = new CpuDevice(threads);
        _scope = _device.OpenScope(GradMode.Off);
        (_run, _result) = Prepare(kernel);
    }

    public void Run() => _run(_device.Backend);

    /// <summary>Whether the result is finite: nobody else has it.</summary>
    public double[] Check()
    {
        float[] values = new float[_result.Count];
        _device.Backend.Download(_result, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return [Array.TrueForAll(values, float.IsFinite) ? 1 : throw new InvalidOperationException("The kernel's result is not finite.")];
    }

    public void Dispose()
    {
        _scope.Dispose();
        _device.Dispose();
    }

    private (Action<Backend> Run, View Result) Prepare(Kernel kernel)
    {
        const int Rows = KernelCost.Rows, Width = KernelCost.Width, Tokens = KernelCost.Tokens, Heads = KernelCost.Heads, Pictures = KernelCost.Pictures;
        switch (kernel)
        {
            case Kernel.Linear or Kernel.LinearGelu:
                (View input, View weight, View bias, View hidden) = (Normal(Rows, Width), Normal(4 * Width, Width), Normal(4 * Width), Normal(Rows, 4 * Width));
                Activation activation = kernel == Kernel.Linear ? Activation.Identity : Activation.Gelu;
                return (backend => backend.Linear(input, weight, bias, activation, View.None, hidden), hidden);
            case Kernel.Attention or Kernel.AttentionBackward:
                (View qkv, View attended, View sums) = (Normal(Pictures, Tokens, 3, Heads, 64), Normal(Pictures, Tokens, Width), Normal(Pictures, Heads, Tokens));
                if (kernel == Kernel.Attention)
                    return (backend => backend.Attention(qkv, 0.125f, attended, sums, View.None), attended);
                (View attendedGradient, View qkvGradient) = (Normal(Pictures, Tokens, Width), Normal(Pictures, Tokens, 3, Heads, 64));
                _device.Backend.Attention(qkv, 0.125f, attended, sums, View.None);
                return (backend => backend.AttentionBackward(qkv, 0.125f, attended, sums, attendedGradient, new(qkvGradient)), qkvGradient);
            case Kernel.LayerNorm or Kernel.LayerNormBackward:
                (View x, View y, View gamma, View beta, View mean, View deviation) = (Normal(Rows, Width), Normal(Rows, Width), Normal(Width), Normal(Width), Normal(Rows), Normal(Rows));
                _device.Backend.LayerNorm(x, gamma, beta, 1e-6f, y, mean, deviation);
                if (kernel == Kernel.LayerNorm)
                    return (backend => backend.LayerNorm(x, gamma, beta, 1e-6f, y, mean, deviation), y);
                (View dx, View dgamma, View dbeta) = (Normal(Rows, Width), Normal(Width), Normal(Width));
                return (backend => backend.LayerNormBackward(x, gamma, mean, deviation, y, new(dx), new(dgamma), new(dbeta)), dx);
            case Kernel.Softmax:
                (View scores, View probabilities) = (Normal(Pictures * Heads * Tokens, Tokens), Normal(Pictures * Heads * Tokens, Tokens));
                return (backend => backend.Softmax(scores, probabilities), probabilities);
            case Kernel.Gelu:
                (View before, View after) = (Normal(Rows, 4 * Width), Normal(Rows, 4 * Width));
                return (backend => backend.Unary(UnaryOp.Gelu, before, after), after);
            case Kernel.Lerp:
                (View student, View teacher) = (Normal(KernelCost.Parameters), Normal(KernelCost.Parameters));
                return (backend => backend.Axpby(0.004f, student, 0.996f, teacher), teacher);
            default:
                (View parameter, View gradient, View first, View second) = (Normal(KernelCost.Parameters), Normal(KernelCost.Parameters), Normal(KernelCost.Parameters), Normal(KernelCost.Parameters));
                // Second moments are means of squares.
                _device.Backend.Unary(UnaryOp.Square, second, second);
                Segment[] segments = [new Segment(0, KernelCost.Parameters, 1e-4f, 0.04f, 10)];
                return (backend => backend.Adam(parameter, gradient, first, second, segments, new AdamConstants(0.9, 0.999, 1e-8f)), parameter);
        }
    }

    private View Normal(params ReadOnlySpan<int> shape)
    {
        View view = _scope.Empty(new Shape(shape)).View;
        _device.Backend.RandomNormal(view, new RandomKey((ulong)view.Count), 0, 1);
        return view;
    }
}
