using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A place in the tree of parameter names: <c>root / "blocks" / 3 / "attn"</c> is <c>blocks.3.attn</c>.</summary>
public readonly struct ParameterScope
{
    internal ParameterScope(ParameterStore store, string path) => (Store, Path) = (store, path);

    /// <summary>The store that parameters declared here belong to.</summary>
    public ParameterStore Store { get; }

    /// <summary>Dotted path; empty at the root.</summary>
    public string Path { get; }

    /// <summary>One level down.</summary>
    public static ParameterScope operator /(ParameterScope scope, string name) => new(scope.Store, scope.Join(name));

    /// <summary>One level down, by number.</summary>
    public static ParameterScope operator /(ParameterScope scope, int index) =>
        scope / index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Declares a learned parameter.</summary>
    /// <param name="name">Last part of its name.</param>
    /// <param name="shape">Shape in PyTorch's layout.</param>
    /// <param name="initializer">Where its first values come from.</param>
    /// <param name="isFixed">Part of the state and of the EMA, never learned.</param>
    public Parameter Parameter(string name, Shape shape, Initializer initializer, bool isFixed = false) =>
        Store.Declare(new Parameter(Join(name), shape, initializer, isBuffer: false) { IsFixed = isFixed });

    /// <summary>Declares the weight of a linear layer, [N, ..] seen as [N, K]; see <see cref="Nn.Parameter.Packed"/>.</summary>
    /// <inheritdoc cref="Parameter"/>
    internal Parameter LinearWeight(string name, Shape shape, Initializer initializer, Func<Scope, Tensor>? packedForm = null) =>
        Store.Declare(new Parameter(Join(name), shape, initializer, isBuffer: false) { IsLinearWeight = true, PackedForm = packedForm });

    /// <summary>Declares a buffer.</summary>
    public Parameter Buffer(string name, Shape shape, Initializer initializer) =>
        Store.Declare(new Parameter(Join(name), shape, initializer, isBuffer: true));

    private string Join(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
