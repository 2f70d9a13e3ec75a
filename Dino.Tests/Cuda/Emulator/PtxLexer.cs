namespace Dino.Tests.Cuda.Emulator;

/// <summary>A word of PTX: a name with its dots, a number, or one sign.</summary>
internal readonly record struct PtxToken(string Text, int Line)
{
    public override string ToString() => Text;
}

/// <summary>PTX that a driver would not load.</summary>
internal sealed class PtxException(int line, string message) : Exception($"line {line}: {message}")
{
    public int Line { get; } = line;
}

/// <summary>Splits PTX into words.</summary>
internal static class PtxLexer
{
    public static List<PtxToken> Read(string text)
    {
        List<PtxToken> tokens = [];
        int line = 1;
        for (int at = 0; at < text.Length;)
        {
            char c = text[at];
            if (c == '\n')
                line++;
            if (char.IsWhiteSpace(c))
            {
                at++;
            }
            else if (Starts("//"))
            {
                at = End("\n", at, 0);
            }
            else if (Starts("/*"))
            {
                int end = End("*/", at, 2);
                line += text.AsSpan(at, end - at).Count('\n');
                at = end;
            }
            else if (c == '"')
            {
                int end = End("\"", at + 1, 1);
                Add(end);
            }
            else if (IsWord(c))
            {
                int end = at + 1;
                // A double colon is part of a modifier's name, a single one ends a label.
                while (end < text.Length && (IsWord(text[end]) || (text[end] == ':' && end + 1 < text.Length && (text[end + 1] == ':' || text[end - 1] == ':'))))
                    end++;
                Add(end);
            }
            else if (",;[]{}()|@!+-<>=:".Contains(c, StringComparison.Ordinal))
            {
                Add(at + 1);
            }
            else
            {
                throw new PtxException(line, $"'{c}' has no place in PTX.");
            }

            bool Starts(string sign) => string.CompareOrdinal(text, at, sign, 0, sign.Length) == 0;

            int End(string sign, int from, int more)
            {
                int found = text.IndexOf(sign, from + more, StringComparison.Ordinal);
                return found < 0 ? text.Length : found + more;
            }

            void Add(int end)
            {
                tokens.Add(new(text[at..end], line));
                at = end;
            }
        }

        return tokens;
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '%' or '.';
}
