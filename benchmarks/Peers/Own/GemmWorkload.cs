using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>One matrix product, or a batch of them, through the backend's public entry.</summary>
internal sealed class GemmWorkload : IWorkload
{
    private readonly CpuDevice _device;
    private readonly Scope _scope;
    private readonly MatMulArguments _arguments;
    private readonly Tensor _y;

    /// <param name="kind">NN, NT or TN: whether a is stored [K, M] and b is stored [N, K].</param>
    public GemmWorkload(string kind, int m, int n, int k, int batch, int threads)
    {
        _device = new CpuDevice(threads);
        _scope = _device.OpenScope(GradMode.Off);
        Tensor a = Filled(_scope, batch * m * k, 17), b = Filled(_scope, batch * k * n, 13);
        _y = _scope.Zeros([batch * m * n]);
        _arguments = MatMulArguments.Single(a.View.Address, b.View.Address, _y.View.Address, m, n, k, kind[0] == 'T', kind[1] == 'T') with
        {
            OuterBatch = batch, OuterStrideA = (long)m * k, OuterStrideB = (long)k * n, OuterStrideY = (long)m * n,
        };
    }

    public void Run() => _device.Backend.MatMul(_arguments);

    /// <summary>One element of the last matrix.</summary>
    public double[] Check() => [_y.ToArray()[^2]];

    public void Dispose()
    {
        _scope.Dispose();
        _device.Dispose();
    }

    /// <summary>Values that every contender makes alike.</summary>
    public static Tensor Filled(Scope scope, int count, int period)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = ((float)(i % period) / period) - 0.4f;
        return scope.Upload(values, [count]);
    }
}
