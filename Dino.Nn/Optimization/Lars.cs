using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>LARS of the official DINO code: every parameter that is not one-dimensional is decayed and scaled by its trust ratio.</summary>
/// <remarks>You et al. 2017.</remarks>
public sealed class Lars(ParameterStore store, float momentum = 0.9f, float trustCoefficient = 0.001f) : Optimizer(store, 1)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["mu"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments, in SweepExtras extras) =>
        values.Device.Backend.Lars(values.Data, values.Gradients, Flat(0), segments, new LarsConstants(momentum, trustCoefficient), extras);
}
