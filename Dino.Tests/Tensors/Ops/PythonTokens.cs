using System.Text.RegularExpressions;

namespace Dino.Tests.Tensors.Ops;

/// <summary>The tokens of a Python expression, read one after the other.</summary>
internal sealed partial class PythonTokens
{
    private readonly List<string> _tokens = [];
    private readonly string _source;
    private int _next;

    public PythonTokens(string source)
    {
        _source = source;
        foreach (Match match in Pattern().Matches(source))
            _tokens.Add(match.Value);
    }

    /// <summary>The next token; empty at the end.</summary>
    public string Next => _next < _tokens.Count ? _tokens[_next] : "";

    public bool IsName => Next.Length > 0 && (char.IsLetter(Next[0]) || Next[0] == '_') && !Next.Contains('"', StringComparison.Ordinal);

    /// <summary>Whether the token after the next is <paramref name="token"/>.</summary>
    public bool IsFollowedBy(string token) => _next + 1 < _tokens.Count && _tokens[_next + 1] == token;

    public string Take() => _next < _tokens.Count ? _tokens[_next++] : throw Error("more");

    public bool TryTake(string token)
    {
        if (Next != token)
            return false;
        _next++;
        return true;
    }

    public void Expect(string token)
    {
        if (!TryTake(token))
            throw Error($"'{token}'");
    }

    public FormatException Error(string expected) => new($"{expected} expected at '{Next}' (token {_next}) of: {_source}");

    [GeneratedRegex("""f?"[^"]*"|\d+\.?\d*(?:[eE][-+]?\d+)?|[A-Za-z_]\w*|\.\.\.|\*\*|//|==|\S""")]
    private static partial Regex Pattern();
}
