using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The rules of broadcasting.</summary>
internal static class Broadcasting
{
    /// <summary>Shape of the result: axes align from the right, lengths must be equal or 1.</summary>
    public static Shape Combine(string operation, Shape a, Shape b)
    {
        if (a == b)
            return a;
        int rank = Math.Max(a.Rank, b.Rank);
        Span<int> lengths = stackalloc int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int left = i <= a.Rank ? a[-i] : 1, right = i <= b.Rank ? b[-i] : 1;
            if (left != right && left != 1 && right != 1)
                throw new ShapeMismatchException($"{operation}: shapes {a} and {b} do not broadcast: axis -{i} has lengths {left} and {right}.");
            lengths[^i] = left == 1 ? right : left;
        }

        return new Shape(lengths);
    }

    /// <summary>Whether <paramref name="small"/> repeats over <paramref name="full"/> in one of the ways backends know, seen as a matrix.</summary>
    public static bool TryMatrix(Shape full, Shape small, out Broadcast kind, out Shape matrix)
    {
        int count = checked((int)full.Count), part = checked((int)small.Count);
        if (small == full || count == part)
        {
            (kind, matrix) = (Broadcast.None, [full.Rank == 0 ? 1 : count / Math.Max(full[-1], 1), full.Rank == 0 ? 1 : full[-1]]);
            return true;
        }

        if (part == 1)
        {
            (kind, matrix) = (Broadcast.Scalar, [1, count]);
            return true;
        }

        int offset = full.Rank - small.Rank;
        int leading = 0;
        while (leading < full.Rank && (leading < offset || small[leading - offset] == 1))
            leading++;
        bool isRow = true, isColumn = offset == 0;
        for (int i = leading; i < full.Rank; i++)
            isRow &= small[i - offset] == full[i];
        int trailing = full.Rank;
        while (isColumn && trailing > 0 && small[trailing - 1] == 1)
            trailing--;
        for (int i = 0; i < trailing && isColumn; i++)
            isColumn &= small[i] == full[i];
        kind = isRow ? Broadcast.Row : Broadcast.Column;
        matrix = isRow ? [count / Math.Max(part, 1), part] : [part, count / Math.Max(part, 1)];
        if (isRow || isColumn)
            return true;
        (kind, matrix) = (Broadcast.None, [full.Rank == 0 ? 1 : count / Math.Max(full[-1], 1), full.Rank == 0 ? 1 : full[-1]]);
        return false;
    }
}
