namespace Dino.Tensors.Formats;

/// <summary>An <c>argparse.Namespace</c>: attributes by name, such as the arguments of a training script.</summary>
public sealed class TorchNamespace : TorchDictionary
{
    internal TorchNamespace()
    {
    }
}
