using System.Globalization;
using System.Text;

namespace Dino.Tensors.Formats;

/// <summary>The dictionary at the head of an .npy file: <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }</c>.</summary>
/// <remarks>It is a Python literal; only the three keys and value forms that NumPy writes are accepted, nothing is evaluated.</remarks>
internal readonly record struct NpyHeader(string Type, bool Fortran, int[] Shape)
{
    public static NpyHeader Parse(string text)
    {
        Reader reader = new(text);
        string? type = null;
        bool? fortran = null;
        int[]? shape = null;
        reader.Expect('{');
        while (!reader.Accept('}'))
        {
            string key = reader.Quoted();
            reader.Expect(':');
            switch (key)
            {
                case "descr" when type is null: type = reader.Quoted(); break;
                case "fortran_order" when fortran is null: fortran = reader.Boolean(); break;
                case "shape" when shape is null: shape = reader.Tuple(); break;
                default: throw reader.Error($"the key '{key}' is unknown or given twice");
            }

            if (!reader.Accept(','))
            {
                reader.Expect('}');
                break;
            }
        }

        reader.End();
        return type is not null && fortran is not null && shape is not null
            ? new NpyHeader(type, fortran.Value, shape)
            : throw reader.Error("one of descr, fortran_order and shape is missing");
    }

    public string Write()
    {
        StringBuilder shape = new();
        foreach (int length in Shape)
            shape.Append(CultureInfo.InvariantCulture, $"{length}, ");
        // Python writes a tuple of one as (3,), others without the comma at the end.
        string tuple = Shape.Length == 1 ? $"{Shape[0]}," : shape.ToString().TrimEnd(',', ' ');
        return $"{{'descr': '{Type}', 'fortran_order': {(Fortran ? "True" : "False")}, 'shape': ({tuple}), }}";
    }

    private ref struct Reader(ReadOnlySpan<char> text)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private int _at;

        public bool Accept(char wanted)
        {
            SkipBlanks();
            if (_at == _text.Length || _text[_at] != wanted)
                return false;
            _at++;
            return true;
        }

        public void Expect(char wanted)
        {
            if (!Accept(wanted))
                throw Error($"'{wanted}' is missing at position {_at}");
        }

        public string Quoted()
        {
            char quote = Accept('"') ? '"' : '\'';
            if (quote == '\'')
                Expect('\'');
            int length = _text[_at..].IndexOf(quote);
            if (length < 0)
                throw Error("a string does not end");
            string value = _text.Slice(_at, length).ToString();
            _at += length + 1;
            return value;
        }

        public bool Boolean() => Word("True") || (Word("False") ? false : throw Error("fortran_order is neither True nor False"));

        public int[] Tuple()
        {
            List<int> lengths = [];
            Expect('(');
            while (!Accept(')'))
            {
                SkipBlanks();
                int digits = 0;
                while (_at + digits < _text.Length && char.IsAsciiDigit(_text[_at + digits]))
                    digits++;
                if (!int.TryParse(_text.Slice(_at, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int length))
                    throw Error("an axis length is not a number below 2^31");
                lengths.Add(length);
                _at += digits;
                // Python 2 wrote long integers with an L.
                Accept('L');
                if (!Accept(','))
                {
                    Expect(')');
                    break;
                }
            }

            return [.. lengths];
        }

        public void End()
        {
            SkipBlanks();
            if (_at != _text.Length)
                throw Error("text follows the dictionary");
        }

        public readonly InvalidDataException Error(string what) => new($"The .npy header is malformed: {what}. It reads: {_text[..Math.Min(_text.Length, 120)]}");

        private bool Word(string word)
        {
            SkipBlanks();
            if (!_text[_at..].StartsWith(word))
                return false;
            _at += word.Length;
            return true;
        }

        private void SkipBlanks()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
                _at++;
        }
    }
}
