namespace Dino.Tensors.Formats;

/// <summary>A value that is only a name: an element type (<c>torch.float32</c>, <c>numpy.dtype('f8')</c>), a device (<c>cuda:0</c>), a class.</summary>
public class TorchSymbol
{
    internal TorchSymbol(string name) => Name = name;

    /// <summary>The full name.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
