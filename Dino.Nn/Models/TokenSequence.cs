using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Tokens of pictures in the order of a vision transformer: CLS, registers, patches by rows.</summary>
/// <param name="All">[B, 1 + R + rows · columns, D].</param>
/// <param name="RegisterCount">R.</param>
/// <param name="Rows">Rows of patches.</param>
/// <param name="Columns">Columns of patches.</param>
public readonly record struct TokenSequence(Tensor All, int RegisterCount, int Rows, int Columns)
{
    /// <summary>CLS tokens [B, D].</summary>
    public Tensor Cls => All.Select(1, 0);

    /// <summary>Registers [B, R, D].</summary>
    public Tensor Registers => All.Slice(1, 1, 1 + RegisterCount);

    /// <summary>Patches [B, rows · columns, D].</summary>
    public Tensor Patches => All.Slice(1, 1 + RegisterCount);

    /// <summary>Patches as pictures in torch's layout, [B, D, rows, columns].</summary>
    public Tensor Map => Patches.Reshape(All.Shape[0], Rows, Columns, All.Shape[2]).Permute(0, 3, 1, 2);

    /// <summary>All tokens.</summary>
    public static implicit operator Tensor(TokenSequence tokens) => tokens.All;

    /// <summary>All tokens.</summary>
    public Tensor ToTensor() => All;
}
