namespace Dino.Tensors;

/// <summary>Operands whose shapes do not fit an operation; the message names the operation and both shapes.</summary>
public sealed class ShapeMismatchException : ArgumentException
{
    /// <summary>An error with a message that names the operation and the shapes.</summary>
    public ShapeMismatchException(string message) : base(message) { }

    /// <summary>An error without details.</summary>
    public ShapeMismatchException() { }

    /// <summary>An error with its cause.</summary>
    public ShapeMismatchException(string message, Exception innerException) : base(message, innerException) { }
}
