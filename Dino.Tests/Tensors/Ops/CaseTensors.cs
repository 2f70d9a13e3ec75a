using System.Text.Json;
using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>The tensors of a golden case in a scope, and the names its formula may use.</summary>
internal sealed class CaseTensors
{
    private readonly Dictionary<string, object?> _inputs, _parameters, _constants;

    public CaseTensors(Scope scope, FixtureCase golden)
    {
        (Scope, Case) = (scope, golden);
        _inputs = Upload("in.", "grad.");
        _parameters = Upload("param.", "grad.param.");
        _constants = Upload("buf.", "");
    }

    public Scope Scope { get; }

    public FixtureCase Case { get; }

    public Tensor Input(string name) => (Tensor)_inputs[name]!;

    public Tensor Parameter(string name) => (Tensor)_parameters[name]!;

    public Tensor Constant(string name) => (Tensor)_constants[name]!;

    /// <summary>The tensor whose gradient is <paramref name="gradient"/>: <c>grad.x</c> or <c>grad.param.weight</c>.</summary>
    public Tensor Leaf(string gradient) => gradient.StartsWith("grad.param.", StringComparison.Ordinal)
        ? Parameter(gradient["grad.param.".Length..])
        : Input(gradient["grad.".Length..]);

    /// <summary>A name of the formula: a tensor group, an abbreviation of the configuration, the configuration itself, or a function.</summary>
    public object? Lookup(string name)
    {
        switch (name)
        {
            case "i": return _inputs;
            case "p": return _parameters;
            case "c": return _constants;
            case "F" or "torch" or "nn": return name;
            case "st": return Setting("stride");
            case "pd": return Setting("padding");
            case "dl": return Setting("dilation");
            case "gp": return Setting("groups");
            case "ns": return Setting("normalized_shape");
            case "ta": return Setting("transpose_a");
            case "tb": return Setting("transpose_b");
            case "keep": return 1 - PythonArguments.ToDouble(Setting("drop_prob"));
            case "d": return Has("dim") ? Setting("dim") : TorchFunctions.Attribute(Input("x"), "shape");
            case "kw": return Keywords();
            case "m": return TorchModules.Find(Case.Config) ?? throw new NotSupportedException($"{Case.Name}: no code covers the module with configuration {Case.Config}.");
            case "f": return (Callable)ApplyConfigured;
        }

        if (Has(name))
            return Setting(name);
        return TorchFunctions.Find(name) ?? throw new NotSupportedException($"{Case.Name}: no code covers the name '{name}'.");
    }

    /// <summary>The function that the configuration names (<c>"erf"</c>) or spells out for x (<c>"exp(0.5*x)"</c>).</summary>
    private object? ApplyConfigured(PythonArguments arguments)
    {
        string text = (string)Setting("f")!;
        object? value = PythonExpression.Evaluate(text, name => name == "x" ? arguments.Positional[0] : Lookup(name));
        return value is Callable function ? function(arguments) : value;
    }

    /// <summary>Keyword arguments: the axes of a reduction (none for all), or the whole configuration.</summary>
    private Dictionary<string, object?> Keywords()
    {
        if (!Has("keepdim"))
            return Case.Config.EnumerateObject().ToDictionary(setting => setting.Name, setting => Value(setting.Value));
        return Setting("dim") is { } axes ? new() { ["dim"] = axes, ["keepdim"] = Setting("keepdim") } : [];
    }

    private bool Has(string setting) => Case.Config.TryGetProperty(setting, out _);

    private object? Setting(string name) => Value(Case.Config.GetProperty(name));

    private static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number => element.TryGetInt64(out long integer) ? integer : element.GetDouble(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToList(),
        _ => null,
    };

    /// <summary>Uploads what the case holds under a prefix; what it states a gradient for requires one.</summary>
    private Dictionary<string, object?> Upload(string prefix, string gradientPrefix)
    {
        Dictionary<string, object?> tensors = new(StringComparer.Ordinal);
        foreach (string name in Case.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string key = name[prefix.Length..];
            Shape shape = new(Case.Shape(name));
            tensors.Add(key, Case.Data.Entries[name].Type switch
            {
                "F32" => Scope.Upload(Case.Singles(name), shape, gradientPrefix.Length > 0 && Case.Has(gradientPrefix + key)),
                "I64" or "I32" => Scope.Upload(Array.ConvertAll(Case.Doubles(name), value => (int)value), shape),
                "BOOL" or "U8" => Scope.Upload(Array.ConvertAll(Case.Doubles(name), value => (byte)value), shape),
                string type => throw new NotSupportedException($"{Case.Name}: no code covers {name} of type {type}."),
            });
        }

        return tensors;
    }
}
