using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>AdamW: Adam with decoupled weight decay, or with L2 decay in the gradient.</summary>
/// <remarks>Loshchilov and Hutter 2019, alg. 2, as torch.optim.AdamW; bias correction counts the updates of each parameter.</remarks>
public sealed class AdamW(ParameterStore store, double beta1 = 0.9, double beta2 = 0.999, float epsilon = 1e-8f, bool decoupled = true) : Optimizer(store, 2)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["exp_avg", "exp_avg_sq"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments, in SweepExtras extras) =>
        values.Device.Backend.Adam(values.Data, values.Gradients, Flat(0), Flat(1), segments, new AdamConstants(beta1, beta2, epsilon, decoupled), extras);
}
