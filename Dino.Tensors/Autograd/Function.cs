using Dino.Tensors.Backends;

namespace Dino.Tensors.Autograd;

/// <summary>
/// One differentiable operation on the tape. A subclass holds, in fields, what its backward needs; instances are rented from the tape
/// by <see cref="Scope.Record{T}"/> and reused step after step, so a warm step allocates nothing.
/// </summary>
/// <example>
/// <code>
/// public sealed class Triple : Function
/// {
///     private Tensor _x;
///
///     public static Tensor Apply(Tensor x)
///     {
///         Scope scope = Scope.Of(nameof(Triple), x);
///         Tensor y = scope.Empty(x.Shape);
///         scope.Backend.Axpby(3, x.View, 0, y.View);
///         if (scope.Record&lt;Triple&gt;(y, x) is { } node)
///             node._x = x;
///         return y;
///     }
///
///     protected override void Backward(in BackwardPass pass)
///     {
///         if (pass.Gradient(_x) is { IsWanted: true } dx)
///             pass.Backend.Axpby(3, pass.OutputGradient, dx.Beta, dx.View);
///     }
/// }
/// </code>
/// </example>
public abstract class Function
{
    /// <summary>The result of the operation.</summary>
    public Tensor Output { get; internal set; }

    /// <summary>Number of the pool this node was rented from.</summary>
    internal int Pool { get; init; }

    /// <summary>Whether <see cref="Backward"/> or <see cref="Recompute"/> reads the values of the inputs; a constant of the type. False lets the forward pass give their memory back early.</summary>
    protected internal virtual bool ReadsInputs => true;

    /// <summary>Whether <see cref="Backward"/> reads the value of the output.</summary>
    protected internal virtual bool ReadsOutput => true;

    /// <summary>Whether <see cref="Recompute"/> can make the output a second time, cheaply: its memory may then be given back before Backward.</summary>
    protected internal virtual bool CanRecompute => false;

    /// <summary>Writes the gradients of the inputs, given that of the output.</summary>
    protected abstract void Backward(in BackwardPass pass);

    /// <summary>Computes the output again, bit for bit, from what the function has saved.</summary>
    /// <param name="backend">The device's backend.</param>
    /// <param name="y">Where to: memory of the output's shape.</param>
    protected internal virtual void Recompute(Backend backend, View y) =>
        throw new NotSupportedException($"{GetType().Name} says that it can recompute its output, but does not override Recompute.");

    internal void Run(in BackwardPass pass) => Backward(pass);
}
