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

/// <summary>AdamW: Adam with decoupled weight decay, or with L2 decay in the gradient.</summary>
/// <remarks>Loshchilov and Hutter 2019, alg. 2, as torch.optim.AdamW; bias correction counts the updates of each parameter.</remarks>
public sealed class AdamW(ParameterStore store, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f, bool decoupled = true) : Optimizer(store, 2)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["exp_avg", "exp_avg_sq"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments) =>
        values.Device.Backend.Adam(values.Data, values.Gradients, Flat(0), Flat(1), segments, new AdamConstants(beta1, beta2, epsilon, decoupled));
}

/// <summary>Stochastic gradient descent with momentum; decay is added to the gradient.</summary>
public sealed class Sgd(ParameterStore store, float momentum = 0.9f, float dampening = 0, bool nesterov = false) : Optimizer(store, 1)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["momentum_buffer"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments) =>
        values.Device.Backend.Sgd(values.Data, values.Gradients, Flat(0), segments, new SgdConstants(momentum, dampening, nesterov));
}

/// <summary>LARS of the official DINO code: every parameter that is not one-dimensional is decayed and scaled by its trust ratio.</summary>
/// <remarks>You et al. 2017.</remarks>
public sealed class Lars(ParameterStore store, float momentum = 0.9f, float trustCoefficient = 0.001f) : Optimizer(store, 1)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> BufferNames { get; } = ["mu"];

    /// <inheritdoc/>
    protected override void Update(TensorStore values, ReadOnlySpan<Segment> segments) =>
        values.Device.Backend.Lars(values.Data, values.Gradients, Flat(0), segments, new LarsConstants(momentum, trustCoefficient));
}
