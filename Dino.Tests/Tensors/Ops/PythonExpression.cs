using System.Globalization;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Names and their values while an expression runs.</summary>
internal delegate object? Lookup(string name);

/// <summary>A function that an expression can call.</summary>
internal delegate object? Callable(PythonArguments arguments);

/// <summary>start:stop:step of a subscript; null where left out.</summary>
internal sealed record PythonSlice(object? Start, object? Stop, object? Step);

/// <summary>The <c>...</c> of a subscript.</summary>
internal sealed record PythonEllipsis;

/// <summary>
/// Runs the formulas of golden cases as they stand in the file, so that a new case needs no new code: the subset of Python expressions that
/// uses names, calls, subscripts, arithmetic, tuples, dictionaries, one-loop comprehensions and conditionals. Numbers are long or double,
/// tuples and lists <c>List&lt;object?&gt;</c>, dictionaries <c>Dictionary&lt;string, object?&gt;</c>.
/// </summary>
internal sealed class PythonExpression
{
    private delegate object? Node(Lookup names);

    private readonly PythonTokens _tokens;

    private PythonExpression(string source) => _tokens = new PythonTokens(source);

    public static object? Evaluate(string source, Lookup names)
    {
        PythonExpression parser = new(source);
        Node node = parser.Expression();
        return parser._tokens.Next.Length == 0 ? node(names) : throw parser._tokens.Error("the end");
    }

    private Node Expression()
    {
        Node value = Comparison();
        if (!_tokens.TryTake("if"))
            return value;
        Node condition = Comparison();
        _tokens.Expect("else");
        Node otherwise = Expression();
        return names => (condition(names) is true ? value : otherwise)(names);
    }

    private Node Comparison()
    {
        Node left = Sum();
        if (!_tokens.TryTake("is"))
            return left;
        bool negated = _tokens.TryTake("not");
        Node right = Sum();
        return names => Equals(left(names), right(names)) != negated;
    }

    private Node Sum() => Chain(Product, "+", "-");

    private Node Product() => Chain(Unary, "*", "/", "@");

    private Node Chain(Func<Node> operand, params string[] operators)
    {
        Node left = operand();
        while (operators.Contains(_tokens.Next))
        {
            string symbol = _tokens.Take();
            (Node first, Node second) = (left, operand());
            left = names => TorchOperators.Apply(symbol, first(names), second(names));
        }

        return left;
    }

    private Node Unary()
    {
        if (_tokens.TryTake("-"))
        {
            Node operand = Unary();
            return names => TorchOperators.Negate(operand(names));
        }

        Node left = Postfix();
        if (!_tokens.TryTake("**"))
            return left;
        Node exponent = Unary();
        return names => TorchOperators.Apply("**", left(names), exponent(names));
    }

    private Node Postfix()
    {
        Node value = Atom();
        while (true)
        {
            Node subject = value;
            if (_tokens.TryTake("."))
            {
                string name = _tokens.Take();
                value = names => TorchFunctions.Attribute(subject(names), name);
            }
            else if (_tokens.TryTake("("))
            {
                Action<Lookup, PythonArguments> arguments = Arguments();
                value = names =>
                {
                    PythonArguments passed = new();
                    arguments(names, passed);
                    return subject(names) is Callable callable ? callable(passed) : throw new FormatException("Only functions can be called.");
                };
            }
            else if (_tokens.TryTake("["))
            {
                Node index = Subscript();
                value = names => TorchFunctions.Subscript(subject(names), index(names));
            }
            else
            {
                return value;
            }
        }
    }

    private Action<Lookup, PythonArguments> Arguments()
    {
        Action<Lookup, PythonArguments> all = (_, _) => { };
        while (!_tokens.TryTake(")"))
        {
            if (_tokens.TryTake("**"))
            {
                Node unpacked = Expression();
                all += (names, passed) =>
                {
                    foreach ((string key, object? value) in (Dictionary<string, object?>)unpacked(names)!)
                        passed.Named.Add(key, value);
                };
            }
            else if (_tokens.IsName && _tokens.IsFollowedBy("="))
            {
                string name = _tokens.Take();
                _tokens.Expect("=");
                Node value = Expression();
                all += (names, passed) => passed.Named.Add(name, value(names));
            }
            else
            {
                Node value = Expression();
                all += (names, passed) => passed.Positional.Add(value(names));
            }

            if (_tokens.Next != ")")
                _tokens.Expect(",");
        }

        return all;
    }

    private Node Subscript()
    {
        List<Node> parts = [SubscriptPart()];
        bool isTuple = false;
        while (_tokens.TryTake(","))
        {
            isTuple = true;
            parts.Add(SubscriptPart());
        }

        _tokens.Expect("]");
        return isTuple ? names => parts.Select(part => part(names)).ToList() : parts[0];
    }

    private Node SubscriptPart()
    {
        Node?[] bounds = new Node?[3];
        int at = 0;
        if (_tokens.Next != ":")
            bounds[at] = Expression();
        if (_tokens.Next != ":")
            return bounds[0]!;
        while (_tokens.TryTake(":"))
        {
            at++;
            if (_tokens.Next is not (":" or "," or "]"))
                bounds[at] = Expression();
        }

        return names => new PythonSlice(bounds[0]?.Invoke(names), bounds[1]?.Invoke(names), bounds[2]?.Invoke(names));
    }

    private Node Atom()
    {
        string token = _tokens.Take();
        if (char.IsDigit(token[0]))
        {
            object number = token.All(char.IsDigit) ? long.Parse(token, CultureInfo.InvariantCulture) : double.Parse(token, CultureInfo.InvariantCulture);
            return _ => number;
        }

        if (token.StartsWith("f\"", StringComparison.Ordinal))
            return Formatted(token[2..^1]);
        return token switch
        {
            "(" => Sequence(")"),
            "[" => Sequence("]"),
            "{" => Braces(),
            "..." => _ => new PythonEllipsis(),
            "True" => _ => true,
            "False" => _ => false,
            "None" => _ => null,
            _ when token[0] == '"' => _ => token[1..^1],
            _ => names => names(token),
        };
    }

    /// <summary>A formatted string: names in braces, without nesting.</summary>
    private static Node Formatted(string text) => names =>
        string.Concat(text.Split('{', '}').Select((part, i) => i % 2 == 0 ? part : Convert.ToString(names(part), CultureInfo.InvariantCulture)));

    private Node Sequence(string end)
    {
        List<Node> items = [];
        bool isTuple = end == "]";
        while (!_tokens.TryTake(end))
        {
            items.Add(Expression());
            if (_tokens.TryTake(","))
                isTuple = true;
            else if (_tokens.Next != end)
                throw _tokens.Error("','");
        }

        return isTuple || items.Count == 0 ? names => items.Select(item => item(names)).ToList() : items[0];
    }

    private Node Braces()
    {
        List<(Node? Key, Node Value)> items = [];
        while (!_tokens.TryTake("}"))
        {
            if (_tokens.TryTake("**"))
            {
                items.Add((null, Expression()));
            }
            else
            {
                Node key = Expression();
                _tokens.Expect(":");
                Node value = Expression();
                if (_tokens.TryTake("for"))
                    return Comprehension(key, value);
                items.Add((key, value));
            }

            if (_tokens.Next != "}")
                _tokens.Expect(",");
        }

        return names =>
        {
            Dictionary<string, object?> result = [];
            foreach ((Node? key, Node value) in items)
            {
                if (key is not null)
                    result.Add((string)key(names)!, value(names));
                else
                    foreach ((string name, object? item) in (Dictionary<string, object?>)value(names)!)
                        result.Add(name, item);
            }

            return result;
        };
    }

    private Node Comprehension(Node key, Node value)
    {
        List<string> variables = [_tokens.Take()];
        while (_tokens.TryTake(","))
            variables.Add(_tokens.Take());
        _tokens.Expect("in");
        Node source = Expression();
        _tokens.Expect("}");
        return names =>
        {
            Dictionary<string, object?> result = [];
            foreach (object? item in (List<object?>)source(names)!)
            {
                List<object?> values = variables.Count == 1 ? [item] : (List<object?>)item!;
                object? Inner(string name) => variables.IndexOf(name) is >= 0 and int at ? values[at] : names(name);
                result.Add((string)key(Inner)!, value(Inner));
            }

            return result;
        };
    }
}
