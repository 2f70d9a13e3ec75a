namespace Dino.Tests.Cuda.Emulator;

/// <summary>The special registers: who a thread is.</summary>
internal static unsafe class SpecialValues
{
    private static readonly string[] s_known =
    [
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z",
        "%laneid", "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
    ];

    public static bool IsKnown(string name) => s_known.Contains(name);

    /// <summary>Whether a register differs from block to block.</summary>
    public static bool IsPosition(string name) => name.StartsWith("%ctaid", StringComparison.Ordinal);

    /// <summary>Writes one for all lanes of a warp.</summary>
    public static void Fill(string name, Warp warp, Block block, uint* output)
    {
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            (uint x, uint y, uint z) = block.Thread((warp.Index * Warp.Lanes) + lane);
            uint bit = 1u << lane;
            output[lane] = name switch
            {
                "%tid.x" => x,
                "%tid.y" => y,
                "%tid.z" => z,
                "%ntid.x" => block.Threads.X,
                "%ntid.y" => block.Threads.Y,
                "%ntid.z" => block.Threads.Z,
                "%ctaid.x" => block.Position.X,
                "%ctaid.y" => block.Position.Y,
                "%ctaid.z" => block.Position.Z,
                "%nctaid.x" => block.Grid.X,
                "%nctaid.y" => block.Grid.Y,
                "%nctaid.z" => block.Grid.Z,
                "%laneid" => (uint)lane,
                "%lanemask_eq" => bit,
                "%lanemask_lt" => bit - 1,
                "%lanemask_le" => bit | (bit - 1),
                "%lanemask_gt" => ~(bit | (bit - 1)),
                "%lanemask_ge" => ~(bit - 1),
                _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such register."),
            };
        }
    }
}
