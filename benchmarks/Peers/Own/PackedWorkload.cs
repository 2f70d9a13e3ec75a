using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>A product with a weight [N, K] that was packed beforehand, as inference does it.</summary>
internal sealed class PackedWorkload : IWorkload
{
    private readonly CpuDevice _device;
    private readonly Scope _scope;
    private readonly PackedWeight _weight;
    private readonly View _x;
    private readonly Tensor _y;

    public PackedWorkload(int m, int n, int k, int threads)
    {
        _device = new CpuDevice(threads);
        _scope = _device.OpenScope(GradMode.Off);
        _x = GemmWorkload.Filled(_scope, m * k, 17).View.As([m, k]);
        _weight = new PackedWeight(GemmWorkload.Filled(_scope, k * n, 13).Reshape(n, k), WeightFormat.F32);
        _y = _scope.Zeros([m, n]);
    }

    public void Run() => _device.Backend.PackedLinear(_x, _weight.View, View.None, Activation.Identity, View.None, _y.View);

    /// <summary>One element near the end.</summary>
    public double[] Check() => [_y.ToArray()[^2]];

    public void Dispose()
    {
        _weight.Dispose();
        _scope.Dispose();
        _device.Dispose();
    }
}
