namespace Dino.Cli;

/// <summary>Finds the names that a misspelt one may stand for.</summary>
internal static class Spelling
{
    /// <summary>More would be a list to read rather than a hint.</summary>
    private const int MostNames = 3;

    /// <summary>The names that begin with what was typed, or else those that are fewest letters away, but not too many; dashes and case do not count.</summary>
    public static string[] Nearest(string typed, IReadOnlyCollection<string> names)
    {
        string word = Letters(typed);
        string[] longer = [.. names.Where(name => word.Length > 1 && Letters(name).StartsWith(word, StringComparison.Ordinal)).Take(MostNames)];
        if (longer.Length > 0)
            return longer;
        // Two letters are a slip in a long word (tarin for train) and another word among short ones (x for k).
        int limit = word.Length < 4 ? word.Length - 1 : Math.Max(2, word.Length / 3);
        (string Name, int Distance)[] near = [.. names.Select(name => (name, Distance(word, Letters(name)))).Where(pair => pair.Item2 <= limit && pair.Item2 < Letters(pair.name).Length)];
        return [.. near.Where(pair => pair.Distance == near.Min(other => other.Distance)).Select(pair => pair.Name).Take(MostNames)];
    }

    /// <summary>Letters to insert, remove or replace to turn one word into the other.</summary>
    private static int Distance(string from, string to)
    {
        int[] above = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int[] row = new int[to.Length + 1];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
            above = row;
        }

        return above[^1];
    }

    private static string Letters(string name) => name.TrimStart('-').ToLowerInvariant();
}
