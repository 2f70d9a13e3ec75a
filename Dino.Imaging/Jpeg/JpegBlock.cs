namespace Dino.Imaging.Jpeg;

/// <summary>
/// The order of the 64 coefficients of a block in memory. Rows are stored in pairs, column by column:
/// (0,2), (1,3), (4,6), (5,7), so that each pair is one operand of the transform's multiply-add instructions.
/// </summary>
internal static class JpegBlock
{
    /// <summary>Blocks and quantisation tables alike.</summary>
    public const int Length = 64;

    /// <summary>Position in memory by row · 8 + column.</summary>
    public static readonly byte[] FromNatural = BuildNatural();

    /// <summary>
    /// Position in memory by zigzag index. Damaged data can run up to 15 coefficients past the end: those land on the last one.
    /// </summary>
    public static readonly byte[] FromZigzag = BuildZigzag();

    private static byte[] BuildNatural()
    {
        byte[] order = new byte[64];
        for (int row = 0; row < 8; row++)
        {
            // Pairs 0..3 start at 0, 16, 32 and 48.
            int pair = (row & 1) + (row >> 2) * 2;
            int second = (row >> 1) & 1;
            for (int column = 0; column < 8; column++)
                order[row * 8 + column] = (byte)(pair * 16 + column * 2 + second);
        }

        return order;
    }

    private static byte[] BuildZigzag()
    {
        byte[] order = new byte[80];
        Array.Fill(order, FromNatural[63]);
        for (int index = 0, row = 0, column = 0; index < 64; index++)
        {
            order[index] = FromNatural[row * 8 + column];
            // Even diagonals run up and right, odd ones down and left; edges turn.
            if (((row + column) & 1) == 0)
            {
                if (column == 7)
                    row++;
                else
                    (row, column) = (Math.Max(0, row - 1), column + 1);
            }
            else if (row == 7)
            {
                column++;
            }
            else
            {
                (row, column) = (row + 1, Math.Max(0, column - 1));
            }
        }

        return order;
    }
}
