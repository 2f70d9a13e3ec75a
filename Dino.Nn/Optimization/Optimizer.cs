using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>
/// Updates the parameters of a store from their gradients. A parameter without a gradient is skipped altogether: no decay, no moment, no step.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly Segment[] _segments;
    private readonly int[] _steps;
    private readonly TensorStore[] _buffers;

    /// <summary>An optimizer for a store.</summary>
    /// <param name="store">Allocated, with gradients.</param>
    /// <param name="buffers">How many values of state each parameter needs.</param>
    protected Optimizer(ParameterStore store, int buffers)
    {
        Store = store;
        _segments = new Segment[store.Parameters.Count];
        _steps = new int[store.Parameters.Count];
        _buffers = new TensorStore[buffers];
        for (int i = 0; i < buffers; i++)
            _buffers[i] = new TensorStore(store.Device, [.. store.Parameters.Select(parameter => parameter.Shape)], withGradients: false);
    }

    /// <summary>The parameters.</summary>
    public ParameterStore Store { get; }

    /// <summary>Updates of each parameter so far, by index.</summary>
    public ReadOnlySpan<int> Steps => _steps;

    /// <summary>Names of the state buffers, for checkpoints.</summary>
    public abstract IReadOnlyList<string> BufferNames { get; }

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <param name="learningRate">For all parameters.</param>
    /// <param name="weightDecay">For decayed parameters (see <see cref="Parameter.IsDecayed"/>); the others have none.</param>
    public void Step(double learningRate, double weightDecay)
    {
        int count = 0;
        IReadOnlyList<Parameter> parameters = Store.Parameters;
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            if (!parameter.Tensor.HasGradient)
                continue;
            float decay = parameter.IsDecayed ? (float)weightDecay : 0;
            _segments[count++] = new Segment(Store.Values.Offset(i), parameter.Shape.Count, (float)learningRate, decay, ++_steps[i], parameter.Shape.Rank != 1);
        }

        Update(Store.Values, _segments.AsSpan(0, count));
    }

    /// <summary>One of the state buffers of a parameter.</summary>
    public Tensor Buffer(int buffer, int parameter) => _buffers[buffer][parameter];

    /// <summary>Restores the number of updates of a parameter.</summary>
    public void SetSteps(int parameter, int steps) => _steps[parameter] = steps;

    /// <summary>Applies the rule to the segments.</summary>
    protected abstract void Update(TensorStore values, ReadOnlySpan<Segment> segments);

    /// <summary>A state buffer as a flat view.</summary>
    protected View Flat(int buffer) => _buffers[buffer].Data;

    /// <summary>The optimizer by its official name.</summary>
    /// <exception cref="ArgumentException">Not adamw, sgd or lars.</exception>
    public static Optimizer ByName(string name, ParameterStore store) => name switch
    {
        "adamw" => new AdamW(store),
        "sgd" => new Sgd(store),
        "lars" => new Lars(store),
        _ => throw new ArgumentException($"There is no optimizer '{name}'. Use adamw, sgd or lars.", nameof(name)),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TensorStore buffer in _buffers)
            buffer.Dispose();
        GC.SuppressFinalize(this);
    }
}
