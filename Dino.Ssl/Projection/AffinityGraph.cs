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
        List<(int Column, double Own, double Other)>[] rows = new List<(int, double, double)>[count];
        for (int i = 0; i < count; i++)
            rows[i] = new(2 * k);
        for (int i = 0; i < count; i++)
        {
            for (int e = i * k; e < (i + 1) * k; e++)
            {
                rows[i].Add((neighbours.Indices[e], weights[e], 0));
                rows[neighbours.Indices[e]].Add((i, 0, weights[e]));
            }
        }

        int[] starts = new int[count + 1];
        List<int> columns = new(count * k);
        List<float> joined = new(count * k);
        for (int i = 0; i < count; i++)
        {
            rows[i].Sort((a, b) => a.Column != b.Column ? a.Column.CompareTo(b.Column) : b.Own.CompareTo(a.Own));
            for (int e = 0; e < rows[i].Count; e++)
            {
                (int column, double own, double other) = rows[i][e];
                if (e + 1 < rows[i].Count && rows[i][e + 1].Column == column)
                    (own, other) = (own + rows[i][e + 1].Own, other + rows[i][++e].Other);
                columns.Add(column);
                joined.Add((float)join(own, other));
            }

            starts[i + 1] = columns.Count;
        }

        return new AffinityGraph(starts, [.. columns], [.. joined]);
    }
}
