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
    public void Step(double learningRate, double weightDecay) => Step(learningRate, weightDecay, null, null);

    /// <summary>Clips, updates and lets a follower move, all in one sweep over memory.</summary>
    /// <param name="learningRate">For all parameters.</param>
    /// <param name="weightDecay">For decayed parameters (see <see cref="Parameter.IsDecayed"/>); the others have none.</param>
    /// <param name="clip">Gradients are taken at most as long as its last <see cref="GradientClip.Measure"/> says; the gradients themselves stay. Null: as they are.</param>
    /// <param name="follower">Moves towards every parameter of the store once that is updated, those without a gradient included. Null: nobody.</param>
    /// <exception cref="InvalidOperationException">A parameter with a gradient was not measured.</exception>
    /// <exception cref="ShapeMismatchException">The follower has other parameters.</exception>
    public void Step(double learningRate, double weightDecay, GradientClip? clip, Follower? follower)
    {
        SweepExtras extras = new(clip?.NormView ?? View.None, clip?.Bound ?? 0, follower?.Store.Values.Data ?? View.None, follower?.Momentum ?? 0);
        if (extras.Follower.Exists && extras.Follower.Count != Store.Values.Data.Count)
            throw new ShapeMismatchException($"The follower has {extras.Follower.Count} values, the parameters {Store.Values.Data.Count}. Follow with a network of the same settings.");
        clip?.RequireMeasured();
        int count = 0;
        IReadOnlyList<Parameter> parameters = Store.Parameters;
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            long offset = Store.Values.Offset(i), length = parameter.Shape.Count;
            if (!parameter.Tensor.HasGradient)
            {
                follower?.Move(Store, offset, length);
                continue;
            }

            float decay = parameter.IsDecayed ? (float)weightDecay : 0;
            _segments[count++] = new Segment(offset, length, (float)learningRate, decay, ++_steps[i], parameter.Shape.Rank != 1, clip?.PositionOf(parameter) ?? 0);
        }

        Update(Store.Values, _segments.AsSpan(0, count), extras);
    }

    /// <summary>One of the state buffers of a parameter.</summary>
    public Tensor Buffer(int buffer, int parameter) => _buffers[buffer][parameter];

    /// <summary>Restores the number of updates of a parameter.</summary>
    public void SetSteps(int parameter, int steps) => _steps[parameter] = steps;

    /// <summary>Applies the rule to the segments, with what rides on the sweep.</summary>
    protected abstract void Update(TensorStore values, ReadOnlySpan<Segment> segments, in SweepExtras extras);

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
