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
        Tensor a = Filled(_scope, 17, [batch, m * k]), b = Filled(_scope, 13, [batch, k * n]);
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

    /// <summary>Ordinary numbers; the other contenders fill their matrices alike.</summary>
    public static Tensor Filled(Scope scope, int period, Shape shape)
    {
        float[] values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = ((float)(i % period) / period) - 0.4f;
        return scope.Upload(values, shape);
    }
}
