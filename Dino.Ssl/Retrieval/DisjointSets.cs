namespace Dino.Ssl.Retrieval;

/// <summary>Sets of numbers that can be united (union-find). Which sets there are does not depend on the order of the unions.</summary>
internal sealed class DisjointSets(int count)
{
    private readonly int[] _parents = [.. Enumerable.Range(0, count)];

    /// <summary>The least number of a set.</summary>
    public int Find(int item)
    {
        while (_parents[item] != item)
            item = _parents[item] = _parents[_parents[item]];
        return item;
    }

    public void Unite(int first, int second)
    {
        (first, second) = (Find(first), Find(second));
        _parents[Math.Max(first, second)] = Math.Min(first, second);
    }
}
