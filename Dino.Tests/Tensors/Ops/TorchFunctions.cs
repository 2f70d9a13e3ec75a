using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>
/// What torch's functions and methods are called here. A method is the function with its tensor as first argument; namespaces
/// (<c>torch</c>, <c>F</c>, <c>nn</c>) do not matter, because no name means two things. Families are in the other parts of this class.
/// </summary>
internal static partial class TorchFunctions
{
    private static readonly Dictionary<string, Func<PythonArguments, object?>> Table = new(StringComparer.Ordinal);

    static TorchFunctions()
    {
        AddElementwise();
        AddReductions();
        AddShapes();
        AddLayers();
        AddPictures();
        AddLosses();
        Table["dict"] = a => ((List<object?>)a.Positional[0]!).Cast<List<object?>>().ToDictionary(pair => (string)pair[0]!, pair => pair[1]);
        Table["zip"] = a => ((List<object?>)a.Positional[0]!).Zip((List<object?>)a.Positional[1]!, (x, y) => (object?)new List<object?> { x, y }).ToList();
        Table["enumerate"] = a => ((List<object?>)a.Positional[0]!).Select((item, k) => (object?)new List<object?> { (long)k, item }).ToList();
    }

    /// <summary>A function by name, or null.</summary>
    public static Callable? Find(string name) => !Table.TryGetValue(name, out Func<PythonArguments, object?>? function) ? null : arguments =>
    {
        object? result = function(arguments);
        arguments.RequireAllAsked(name);
        return result;
    };

    /// <summary><c>subject.name</c>.</summary>
    public static object? Attribute(object? subject, string name)
    {
        switch (subject, name)
        {
            case (Tensor x, "shape"):
                return x.Shape.Select(length => (object?)(long)length).ToList();
            case (Tensor, "dtype"):
                return null;
            case (Dictionary<string, object?> dictionary, "get"):
                return (Callable)(arguments => dictionary.GetValueOrDefault((string)arguments.Positional[0]!, arguments.Get(1, "default")));
            case (TorchModule module, "to"):
                return (Callable)(_ => module);
        }

        Callable function = Find(name) ?? throw new NotSupportedException($"No code for '{name}'.");
        return subject is not Tensor self ? function : (Callable)(arguments =>
        {
            arguments.Positional.Insert(0, self);
            return function(arguments);
        });
    }

    /// <summary><c>subject[index]</c>.</summary>
    public static object? Subscript(object? subject, object? index) => (subject, index) switch
    {
        (Dictionary<string, object?> dictionary, string key) => dictionary[key],
        (List<object?> list, PythonSlice slice) => Part(list, slice),
        (List<object?> list, _) => list[Position(list, PythonArguments.ToInt(index))],
        (Tensor x, Tensor { DType: DType.I32 } rows) => x.IndexSelect(0, rows),
        (Tensor x, Tensor mask) => x.MaskedSelect(mask),
        (Tensor x, List<object?> parts) => Subscript(x, parts),
        (Tensor x, _) => Subscript(x, [index]),
        _ => throw new NotSupportedException($"No code for the subscript {index}."),
    };

    private static Tensor Subscript(Tensor x, List<object?> parts)
    {
        int axis = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            switch (parts[i])
            {
                case PythonEllipsis:
                    axis = x.Shape.Rank - (parts.Count - i - 1);
                    break;
                case PythonSlice slice:
                    int start = slice.Start is null ? 0 : PythonArguments.ToInt(slice.Start), end = slice.Stop is null ? int.MaxValue : PythonArguments.ToInt(slice.Stop);
                    x = x.Slice(axis, start, end, slice.Step is null ? 1 : PythonArguments.ToInt(slice.Step));
                    axis++;
                    break;
                default:
                    x = x.Select(axis, PythonArguments.ToInt(parts[i]));
                    break;
            }
        }

        return x;
    }

    private static List<object?> Part(List<object?> list, PythonSlice slice)
    {
        int start = slice.Start is null ? 0 : Position(list, PythonArguments.ToInt(slice.Start));
        int end = slice.Stop is null ? list.Count : Position(list, PythonArguments.ToInt(slice.Stop));
        return list[start..Math.Max(start, end)];
    }

    private static int Position(List<object?> list, int index) => index < 0 ? index + list.Count : index;

    private static void AddElementwise()
    {
        Map("abs", x => x.Abs());
        Map("exp", x => x.Exp());
        Map("log", x => x.Log());
        Map("sqrt", x => x.Sqrt());
        Map("rsqrt", x => x.Rsqrt());
        Map("reciprocal", x => x.Reciprocal());
        Map("square", x => x.Square());
        Map("tanh", x => x.Tanh());
        Map("sigmoid", x => x.Sigmoid());
        Map("silu", x => x.Silu());
        Map("softplus", x => x.Softplus());
        Map("relu", x => x.Relu());
        Map("erf", x => x.Erf());
        Map("gelu_erf", x => x.Gelu());
        Map("gelu_tanh", x => x.GeluTanh());
        Map("detach", x => x.Detach());
        Map("neg", x => -x);
        Map("sign", x => x.Sign());
        Map("round", x => x.Round());
        Map("floor", x => x.Floor());
        Map("isnan", x => x.IsNaN());
        Table["gelu"] = a => (string?)a.Get(1, "approximate") == "tanh" ? a.Tensor(0).GeluTanh() : a.Tensor(0).Gelu();
        Table["clamp"] = a => a.Tensor(0).Clamp(a.Single(1, "min", double.NegativeInfinity), a.Single(2, "max", double.PositiveInfinity));
        Table["pow"] = a => TorchOperators.Power(a.Tensor(0), a.Number(1, "exponent"));
        foreach ((string name, string symbol) in new[] { ("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/") })
            Table[name] = a => TorchOperators.Apply(symbol, a.Positional[0], a.Get(1, "other"));
        Table["maximum"] = a => Tensor.Maximum(a.Tensor(0), a.Tensor(1));
        Table["minimum"] = a => Tensor.Minimum(a.Tensor(0), a.Tensor(1));
        Table["where"] = a => Tensor.Where(a.Tensor(0), a.Tensor(1), a.Tensor(2));
        Table["masked_fill"] = a => a.Tensor(0).MaskedFill(a.Tensor(1), a.Single(2, "value"));
    }

    private static void Map(string name, Func<Tensor, Tensor> function) => Table[name] = a => function(a.Tensor(0));
}
