using System.Globalization;
using System.Text;

namespace Dino.Tensors.Formats;

/// <summary>The two textual string forms of pickle protocol 0.</summary>
internal static class PickleText
{
    /// <summary>A quoted Python 2 string with the escapes that its <c>repr</c> writes.</summary>
    public static string Quoted(PickleCursor cursor)
    {
        string line = cursor.ReadLine().Trim();
        if (line.Length < 2 || line[0] is not ('\'' or '"') || line[^1] != line[0])
            throw cursor.Error("a quoted string has no quotes");
        StringBuilder text = new();
        for (int i = 1; i < line.Length - 1; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }

            char escape = ++i < line.Length - 1 ? line[i] : throw cursor.Error("a quoted string ends inside an escape");
            switch (escape)
            {
                case '\\' or '\'' or '"': text.Append(escape); break;
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case 'x':
                    text.Append((char)Hexadecimal(cursor, line, i + 1, 2));
                    i += 2;
                    break;
                default: throw cursor.Error($"a quoted string has the unknown escape '\\{escape}'");
            }
        }

        return text.ToString();
    }

    /// <summary>A line in Python's raw-unicode-escape: Latin-1 with \uXXXX and \UXXXXXXXX.</summary>
    public static string Escaped(PickleCursor cursor)
    {
        string line = cursor.ReadLine();
        StringBuilder text = new();
        for (int i = 0; i < line.Length; i++)
        {
            int digits = line[i] == '\\' && i + 1 < line.Length ? line[i + 1] switch { 'u' => 4, 'U' => 8, _ => 0 } : 0;
            if (digits == 0)
            {
                text.Append(line[i]);
                continue;
            }

            uint point = Hexadecimal(cursor, line, i + 2, digits);
            if (point <= char.MaxValue)
                text.Append((char)point);
            else if (Rune.IsValid(point))
                text.Append(new Rune(point).ToString());
            else
                throw cursor.Error($"text holds the character number {point}, which does not exist");
            i += 1 + digits;
        }

        return text.ToString();
    }

    private static uint Hexadecimal(PickleCursor cursor, string line, int start, int digits) =>
        start + digits <= line.Length && uint.TryParse(line.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            ? value
            : throw cursor.Error("an escape in text is not hexadecimal");
}
