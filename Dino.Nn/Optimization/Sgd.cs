using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Stochastic gradient descent with momentum; decay is added to the gradient.</summary>
public sealed class Sgd(ParameterStore store, float momentum = 0.9f, float dampening = 0, bool nesterov = false) : Optimizer(store, 1)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["momentum_buffer"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments, in SweepExtras extras) =>
        values.Device.Backend.Sgd(values.Data, values.Gradients, Flat(0), segments, new SgdConstants(momentum, dampening, nesterov), extras);
}
