namespace Dino.Ssl.Evaluation;

/// <summary>Classes of two folders, which may hold different ones and therefore number them differently.</summary>
public static class ClassNames
{
    /// <summary>Labels in the numbering of other classes.</summary>
    /// <param name="labels">Indices into <paramref name="classes"/>.</param>
    /// <param name="classes">Names of the classes of the labels.</param>
    /// <param name="known">Names of the classes whose numbers are wanted.</param>
    /// <returns>Index into <paramref name="known"/> of each label, <see cref="int.MaxValue"/> for a class that is not among them.</returns>
    /// <exception cref="ArgumentException">One of the folders has no classes, or they have none in common.</exception>
    public static int[] Renumber(IReadOnlyList<int> labels, IReadOnlyList<string> classes, IReadOnlyList<string> known)
    {
        if (known.Count == 0 || classes.Count == 0)
            throw new ArgumentException("Accuracy needs labels: both folders must have one sub-folder per class.");
        Dictionary<string, int> numbers = known.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        if (!classes.Any(numbers.ContainsKey))
            throw new ArgumentException($"The folders have no class in common: {string.Join(", ", known.Take(5))} against {string.Join(", ", classes.Take(5))}.");
        return [.. labels.Select(label => numbers.GetValueOrDefault(classes[label], int.MaxValue))];
    }
}
