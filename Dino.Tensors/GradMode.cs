namespace Dino.Tensors;

/// <summary>Whether a scope records operations for <see cref="Scope.Backward(Tensor, float)"/>.</summary>
public enum GradMode : byte
{
    /// <summary>Operations on tensors that require a gradient are recorded.</summary>
    Record,

    /// <summary>Nothing is recorded: inference.</summary>
    Off,
}
