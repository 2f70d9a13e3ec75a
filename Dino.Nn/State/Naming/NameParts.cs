namespace Dino.Nn.Naming;

/// <summary>Takes names of tensors apart.</summary>
internal static class NameParts
{
    /// <summary>Splits <c>layer.3.norm1.weight</c> into number and rest.</summary>
    /// <param name="name">The name.</param>
    /// <param name="prefix">What comes before the number: <c>layer.</c></param>
    /// <param name="number">The digits: <c>3</c>.</param>
    /// <param name="rest">What comes after the number and its dot: <c>norm1.weight</c>.</param>
    public static bool TrySplit(string name, string prefix, out string number, out string rest)
    {
        (number, rest) = ("", "");
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
            return false;
        int dot = name.IndexOf('.', prefix.Length);
        if (dot <= prefix.Length || name.AsSpan(prefix.Length, dot - prefix.Length).ContainsAnyExceptInRange('0', '9'))
            return false;
        (number, rest) = (name[prefix.Length..dot], name[(dot + 1)..]);
        return true;
    }

    /// <summary>The name with its beginning replaced by the first rule that fits; null if none does.</summary>
    public static string? Replace(string name, ReadOnlySpan<(string From, string To)> rules)
    {
        foreach ((string from, string to) in rules)
        {
            if (name.StartsWith(from, StringComparison.Ordinal))
                return to + name[from.Length..];
        }

        return null;
    }
}
