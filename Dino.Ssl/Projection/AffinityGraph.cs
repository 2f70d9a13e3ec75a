namespace Dino.Ssl.Projection;

/// <summary>A symmetric sparse matrix of how strongly points belong together, in compressed rows with rising columns.</summary>
/// <param name="Starts">[N + 1]: where each row begins.</param>
/// <param name="Columns">The other point of each entry.</param>
/// <param name="Weights">Its strength.</param>
internal sealed record AffinityGraph(int[] Starts, int[] Columns, float[] Weights)
{
    /// <summary>N.</summary>
    public int Count => Starts.Length - 1;

    /// <summary>Makes one entry of what each point says of its neighbours and what they say of it.</summary>
    /// <param name="neighbours">The neighbours of each point.</param>
    /// <param name="weights">[N, k]: one-sided strengths.</param>
    /// <param name="join">The strength from both sides; symmetric, 0 stands for a side that says nothing.</param>
    public static AffinityGraph Symmetric(NearestRows neighbours, double[] weights, Func<double, double, double> join)
    {
        (int count, int k) = (neighbours.Rows, neighbours.Count);
        (int[] otherStarts, int[] others, double[] otherWeights) = Transposed(neighbours, weights);
        int[] starts = new int[count + 1], own = new int[k], order = new int[k];
        List<int> columns = new(2 * others.Length);
        List<float> joined = new(2 * others.Length);
        for (int i = 0; i < count; i++)
        {
            neighbours.Indices.AsSpan(i * k, k).CopyTo(own);
            for (int e = 0; e < k; e++)
                order[e] = (i * k) + e;
            own.AsSpan().Sort(order.AsSpan());
            // Two lists with rising columns become one.
            for (int mine = 0, theirs = otherStarts[i]; mine < k || theirs < otherStarts[i + 1];)
            {
                int left = mine < k ? own[mine] : int.MaxValue, right = theirs < otherStarts[i + 1] ? others[theirs] : int.MaxValue;
                columns.Add(Math.Min(left, right));
                joined.Add((float)join(left <= right ? weights[order[mine++]] : 0, right <= left ? otherWeights[theirs++] : 0));
            }

            starts[i + 1] = columns.Count;
        }

        return new AffinityGraph(starts, [.. columns], [.. joined]);
    }

    /// <summary>Who names a point as a neighbour, and how strongly, in rising order.</summary>
    private static (int[] Starts, int[] Points, double[] Weights) Transposed(NearestRows neighbours, double[] weights)
    {
        int[] starts = new int[neighbours.Rows + 1], points = new int[weights.Length];
        double[] strengths = new double[weights.Length];
        foreach (int named in neighbours.Indices)
            starts[named + 1]++;
        for (int i = 0; i < neighbours.Rows; i++)
            starts[i + 1] += starts[i];
        int[] next = starts[..^1];
        for (int e = 0; e < weights.Length; e++)
        {
            int place = next[neighbours.Indices[e]]++;
            (points[place], strengths[place]) = (e / neighbours.Count, weights[e]);
        }

        return (starts, points, strengths);
    }
}
