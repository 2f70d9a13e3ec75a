using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dino.Imaging.Png;

/// <summary>The five row filters of PNG (specification, section 9).</summary>
internal static class PngFilter
{
    public const int Sub = 1;
    public const int Up = 2;
    public const int Average = 3;
    public const int Paeth = 4;

    /// <summary>Undoes a row's filter in place.</summary>
    /// <param name="filter">0 to 4.</param>
    /// <param name="row">Filtered bytes, becomes the raw bytes.</param>
    /// <param name="above">Raw bytes of the row above, as long; zeros for the first row.</param>
    /// <param name="distance">Bytes per pixel, at least 1.</param>
    /// <returns>False if the filter does not exist.</returns>
    public static bool Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int distance)
    {
        above = above[..row.Length];
        switch (filter)
        {
            case 0:
                return true;
            case Sub:
                for (int i = distance; i < row.Length; i++)
                    row[i] += row[i - distance];
                return true;
            case Up:
                UndoUp(row, above);
                return true;
            case Average:
                UndoAverage(row, above, distance);
                return true;
            case Paeth:
                UndoPaeth(row, above, distance);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Applies a filter: <paramref name="filtered"/> receives what <see cref="Undo"/> turns back into <paramref name="row"/>.</summary>
    public static void Apply(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int distance, Span<byte> filtered)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= distance ? row[i - distance] : 0;
            int aboveLeft = i >= distance ? above[i - distance] : 0;
            int predicted = filter switch
            {
                Sub => left,
                Up => above[i],
                Average => (left + above[i]) >> 1,
                Paeth => Predict(left, above[i], aboveLeft),
                _ => 0,
            };
            filtered[i] = (byte)(row[i] - predicted);
        }
    }

    private static void UndoUp(Span<byte> row, ReadOnlySpan<byte> above)
    {
        int i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(row[i..]) + new Vector<byte>(above[i..])).CopyTo(row[i..]);
        for (; i < row.Length; i++)
            row[i] += above[i];
    }

    private static void UndoAverage(Span<byte> row, ReadOnlySpan<byte> above, int distance)
    {
        int first = Math.Min(distance, row.Length);
        for (int i = 0; i < first; i++)
            row[i] += (byte)(above[i] >> 1);
        if (distance == 1)
        {
            // Kept in a register: each byte waits for the one before it, and memory would double the wait.
            int left = row[0];
            for (int i = 1; i < row.Length; i++)
                row[i] = (byte)(left = (byte)(row[i] + ((left + above[i]) >> 1)));
            return;
        }

        for (int i = first; i < row.Length; i++)
            row[i] += (byte)((row[i - distance] + above[i]) >> 1);
    }

    private static void UndoPaeth(Span<byte> row, ReadOnlySpan<byte> above, int distance)
    {
        // Without a pixel to the left the predictor is the byte above.
        int first = Math.Min(distance, row.Length);
        for (int i = 0; i < first; i++)
            row[i] += above[i];
        if (distance == 1)
        {
            int left = row[0], aboveLeft = above[0];
            for (int i = 1; i < row.Length; i++)
            {
                int up = above[i];
                row[i] = (byte)(left = (byte)(row[i] + Predict(left, up, aboveLeft)));
                aboveLeft = up;
            }

            return;
        }

        for (int i = first; i < row.Length; i++)
            row[i] += (byte)Predict(row[i - distance], above[i], above[i - distance]);
    }

    /// <summary>Whichever of left, above and above-left is nearest to left + above - aboveLeft; ties in that order.</summary>
    /// <remarks>
    /// With low and high the smaller and larger of left and above, the distances to low and high cross where aboveLeft is a third
    /// or two thirds of the way between them. Two comparisons decide, as sign masks: photographs defeat branch prediction.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Predict(int left, int above, int aboveLeft)
    {
        int crossing = 3 * aboveLeft - (left + above);
        int negative = (left - above) & ((left - above) >> 31);
        int low = above + negative, high = left - negative;
        int belowHigh = (crossing - high) >> 31;
        int aboveLow = (low - crossing) >> 31;
        int lowOrCorner = low ^ ((low ^ aboveLeft) & belowHigh);
        return high ^ ((high ^ lowOrCorner) & aboveLow);
    }
}
