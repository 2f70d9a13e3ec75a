using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Training;

/// <summary>The running mean of the teacher's logits, subtracted from them so that no prototype dominates.</summary>
/// <remarks>Caron et al. 2021, eq. 4. Updated explicitly, after the loss has used it.</remarks>
public sealed class TeacherCentre : IDisposable
{
    private readonly TensorStore _store;
    private readonly double _momentum;

    /// <summary>A centre of zeros.</summary>
    /// <param name="device">Where it lives.</param>
    /// <param name="prototypes">K.</param>
    /// <param name="momentum">Share of the old centre that is kept.</param>
    public TeacherCentre(Device device, int prototypes, double momentum)
    {
        _store = new TensorStore(device, [[1, prototypes], [prototypes]], withGradients: false);
        _momentum = momentum;
    }

    /// <summary>[1, K].</summary>
    public Tensor Value => _store[0];

    /// <summary>Moves the centre towards the mean of the teacher's raw logits [R, K].</summary>
    public void Update(Tensor logits)
    {
        (int rows, int prototypes) = (logits.Shape[0], logits.Shape[1]);
        Backend backend = logits.Device.Backend;
        backend.Reduce(ReduceOp.Sum, logits.View.As([1, rows, prototypes]), new Destination(_store[1].View.As([1, prototypes])));
        backend.Axpby((float)((1 - _momentum) / rows), _store[1].View, (float)_momentum, Value.View.As([prototypes]));
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}
