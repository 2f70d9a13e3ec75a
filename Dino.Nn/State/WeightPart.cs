using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>
/// The part of a file that holds one network, and the names of its tensors there. A training checkpoint holds a teacher and a student beside other state,
/// other files wrap their only network in a key; names may begin with the <c>module.</c> of a data-parallel wrapper.
/// </summary>
/// <remarks>The official loading rule, load_pretrained_weights: take the key, then remove <c>module.</c> (and <c>backbone.</c>, which is left to the caller).</remarks>
public sealed class WeightPart
{
    private const string Wrapper = "module.";
    private const int MaxNesting = 4;

    /// <summary>Keys that hold a network, the most wanted first.</summary>
    private static readonly string[] s_known = ["teacher", "state_dict", "model", "model_state_dict", "student"];

    /// <summary>Of these, those that files without nesting put in front of names, with a dot.</summary>
    private static readonly string[] s_prefixes = ["teacher", "student"];

    private readonly TensorFile _file;
    private readonly string _prefix;

    private WeightPart(TensorFile file, string prefix) => (_file, _prefix) = (file, prefix);

    /// <summary>The part's own key: <c>teacher</c>, <c>state_dict/teacher</c>; empty if the file is one network.</summary>
    public string Key => _prefix.TrimEnd('/', '.');

    /// <summary>The tensors of the file that belong to the part, under their names in the file.</summary>
    public IEnumerable<TensorEntry> Entries => _file.Entries.Values.Where(entry => NameOf(entry.Name) is not null);

    /// <summary>Finds the part.</summary>
    /// <param name="file">An open file.</param>
    /// <param name="key">
    /// The key to take, such as <c>student</c> or <c>model/ema</c>. Without one it is the teacher where there is one, then what lies under <c>state_dict</c>,
    /// <c>model</c>, <c>model_state_dict</c> or <c>student</c>, otherwise everything.
    /// </param>
    /// <exception cref="InvalidDataException">No tensor lies under the key; the message lists the keys there are.</exception>
    public static WeightPart Find(TensorFile file, string? key = null)
    {
        if (key is null)
            return new WeightPart(file, Search(file));
        foreach (char separator in "/.")
        {
            if (file.Entries.Keys.Any(name => name.StartsWith(key + separator, StringComparison.Ordinal)))
                return new WeightPart(file, key + separator);
        }

        // Weight files of this library hold one network, and say which.
        if (file.Metadata.TryGetValue("role", out string? role) && role == key)
            return new WeightPart(file, "");
        string[] keys = Keys(file);
        throw new InvalidDataException(keys.Length > 0
            ? $"{file.FilePath} holds no tensors under '{key}'. It holds: {string.Join(", ", keys.Take(12))}{(keys.Length > 12 ? ", ..." : "")}."
            : $"{file.FilePath} holds no tensors under '{key}': it is one state dictionary. Leave the key out.");
    }

    /// <summary>The name of a tensor in the network, or null if it belongs to another part.</summary>
    /// <param name="name">Name in the file.</param>
    public string? NameOf(string name)
    {
        if (!name.StartsWith(_prefix, StringComparison.Ordinal))
            return null;
        ReadOnlySpan<char> rest = name.AsSpan(_prefix.Length);
        while (rest.StartsWith(Wrapper, StringComparison.Ordinal))
            rest = rest[Wrapper.Length..];
        return rest.ToString();
    }

    /// <summary>The prefix of the most wanted part, of its own most wanted part, and so on.</summary>
    private static string Search(TensorFile file)
    {
        string prefix = "";
        for (int level = 0; level < MaxNesting && Next(file, prefix) is { } longer; level++)
            prefix = longer;
        return prefix;
    }

    private static string? Next(TensorFile file, string prefix)
    {
        foreach (string known in s_known)
        {
            foreach (string candidate in (string[])[$"{prefix}{known}/", .. s_prefixes.Contains(known) ? (string[])[$"{prefix}{known}."] : []])
            {
                if (file.Entries.Keys.Any(name => name.StartsWith(candidate, StringComparison.Ordinal)))
                    return candidate;
            }
        }

        return null;
    }

    /// <summary>First steps of the names that have several.</summary>
    private static string[] Keys(TensorFile file) => [.. file.Entries.Keys
        .Select(name => name.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 ? name[..slash] : s_prefixes.FirstOrDefault(prefix => name.StartsWith(prefix + ".", StringComparison.Ordinal)))
        .OfType<string>().Distinct(StringComparer.Ordinal)];
}
