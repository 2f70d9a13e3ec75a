using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Training;

/// <summary>The running mean of the teacher's logits, subtracted from them so that no prototype dominates.</summary>
/// <remarks>Caron et al. 2021, eq. 4. Updated explicitly, after the loss has used it.</remarks>
public sealed class TeacherCentre : IDisposable
{
    private readonly TensorStore _store;
    private readonly double _momentum;
    private int _rows;

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

    private Tensor Sum => _store[1];

    /// <summary>Moves the centre towards the mean of the teacher's raw logits [R, K].</summary>
    public void Update(Tensor logits)
    {
        Clear();
        Add(logits);
        Update();
    }

    /// <summary>Counts the teacher's raw logits [R, K] into the mean that the next <see cref="Update()"/> moves towards; the centre stays as it is.</summary>
    public void Add(Tensor logits)
    {
        (int rows, int prototypes) = (logits.Shape[0], logits.Shape[1]);
        logits.Device.Backend.Reduce(ReduceOp.Sum, logits.View.As([1, rows, prototypes]), new Destination(Sum.View.As([1, prototypes]), Accumulate: _rows > 0));
        _rows += rows;
    }

    /// <summary>Moves the centre towards the mean of all logits added since it last moved.</summary>
    /// <exception cref="InvalidOperationException">None were.</exception>
    public void Update()
    {
        if (_rows == 0)
            throw new InvalidOperationException("The centre moves towards a mean of logits, and none were added.");
        Sum.Device.Backend.Axpby((float)((1 - _momentum) / _rows), Sum.View, (float)_momentum, Value.View.As(Sum.Shape));
        Clear();
    }

    /// <summary>Forgets the logits added since the centre last moved.</summary>
    public void Clear() => _rows = 0;

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}
