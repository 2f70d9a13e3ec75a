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

    /// <summary>Writes the gradients of the inputs, given that of the output.</summary>
    protected abstract void Backward(in BackwardPass pass);

    internal void Run(in BackwardPass pass) => Backward(pass);
}
