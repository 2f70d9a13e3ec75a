using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>One product with a weight [N, K] that was packed beforehand, as in inference.</summary>
internal sealed class PackedWorkload : IWorkload
{
    private readonly CpuDevice _device;
    private readonly Scope _scope;
    private readonly PackedWeight _weight;
    private readonly Tensor _x, _y;

    public PackedWorkload(int m, int n, int k, int threads)
    {
        _device = new CpuDevice(threads);
        _scope = _device.OpenScope(GradMode.Off);
        _x = GemmWorkload.Filled(_scope, 17, [m, k]);
        _y = _scope.Zeros([m, n]);
        _weight = new PackedWeight(GemmWorkload.Filled(_scope, 13, [n, k]), WeightFormat.F32);
    }

    public void Run() => _device.Backend.PackedLinear(_x.View, _weight.View, View.None, Activation.Identity, View.None, _y.View);

    /// <summary>One element.</summary>
    public double[] Check() => [_y.ToArray()[^2]];

    public void Dispose()
    {
        _weight.Dispose();
        _scope.Dispose();
        _device.Dispose();
    }
}
