using Dino.Tensors.Backends;

namespace Dino.Tensors.Autograd;

/// <summary>Guards of operations that record nothing: a silently dropped gradient is the worst bug a tensor library can have.</summary>
internal static class NoGradient
{
    /// <summary>Throws when the operand requires a gradient that the operation would drop.</summary>
    public static void Demand(string operation, Tensor operand)
    {
        if (operand.RequiresGradient && !(operand.Owner is Scope { Mode: GradMode.Off }))
            throw new InvalidOperationException($"{operation} has no gradient, but its operand {operand.Shape} requires one. Call Detach() on the operand if that is intended.");
    }

    /// <summary>Name of an operation without a string per call.</summary>
    public static string ToName(this UnaryOp op) => UnaryNames[(int)op];

    /// <inheritdoc cref="ToName(UnaryOp)"/>
    public static string ToName(this BinaryOp op) => BinaryNames[(int)op];

    private static readonly string[] UnaryNames = Enum.GetNames<UnaryOp>();
    private static readonly string[] BinaryNames = Enum.GetNames<BinaryOp>();
}
