using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A part of a network: knows its place in the tree of names and maps a tensor to a tensor.</summary>
/// <param name="scope">Where its parameters are declared.</param>
public abstract class Module(ParameterScope scope)
{
    /// <summary>The store that holds its parameters.</summary>
    public ParameterStore Store => scope.Store;

    /// <summary>Dotted path in the network.</summary>
    public string Path => scope.Path;

    /// <summary>Whether the network is being trained.</summary>
    protected bool IsTraining => scope.Store.IsTraining;

    /// <summary>The module's function.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Checks the last axis of an input, so that the error names this module.</summary>
    protected void RequireWidth(Tensor x, int width)
    {
        if (x.Shape.Rank == 0 || x.Shape[-1] != width)
            throw new ShapeMismatchException($"{GetType().Name} '{Path}': input {x.Shape} must end in {width}.");
    }
}
