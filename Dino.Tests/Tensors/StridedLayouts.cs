namespace Dino.Tests.Tensors;

/// <summary>Layouts for copies between strided views.</summary>
internal static class StridedLayouts
{
    /// <summary>Draws strides under which no two elements share memory, but those of an axis that may repeat; some axes run backwards.</summary>
    /// <returns>The first element's position, and the elements of the memory.</returns>
    public static (long First, long Size) Draw(Random random, int[] lengths, long[] strides, bool mayRepeat)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Length)];
        random.Shuffle(order);
        long size = 1, first = 0;
        foreach (int axis in order)
        {
            strides[axis] = mayRepeat && random.Next(5) == 0 ? 0 : size * random.Next(1, 3);
            if (strides[axis] != 0)
                size = strides[axis] * lengths[axis];
            if (random.Next(4) == 0)
            {
                first += strides[axis] * (lengths[axis] - 1);
                strides[axis] = -strides[axis];
            }
        }

        return (first, size);
    }

    /// <summary>All orders of so many axes.</summary>
    public static IEnumerable<int[]> Permutations(int rank)
    {
        if (rank == 0)
        {
            yield return [];
            yield break;
        }

        foreach (int[] rest in Permutations(rank - 1))
        {
            for (int place = 0; place < rank; place++)
                yield return [.. rest[..place], rank - 1, .. rest[place..]];
        }
    }
}
