using System.Runtime.Intrinsics.Arm;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>The register tile of <see cref="MicroKernel{V, E}"/>: as many sums as the registers hold without spilling.</summary>
/// <param name="Rows">Rows of a.</param>
/// <param name="Vectors">Vectors of columns.</param>
internal readonly record struct RegisterTile(int Rows, int Vectors)
{
    /// <summary>The tallest tile: the best where columns are not known to be whole tiles.</summary>
    public static RegisterTile Tall(int lanes) => Has32Registers(lanes) ? new(8, 3) : new(6, 2);

    /// <summary>The tile for a product of so many vectors of columns: one that divides them if possible.</summary>
    public static RegisterTile For(int vectors, int lanes) => Has32Registers(lanes) && vectors % 4 == 0 && vectors % 3 != 0 ? new(6, 4) : Tall(lanes);

    private static bool Has32Registers(int lanes) => lanes == 16 || AdvSimd.IsSupported;
}
