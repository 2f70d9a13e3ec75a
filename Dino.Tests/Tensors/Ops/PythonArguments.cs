using System.Globalization;
using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Arguments of a call: by position, then by name. What a function does not ask for is an error at the end of the call.</summary>
internal sealed class PythonArguments
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public List<object?> Positional { get; } = [];

    public Dictionary<string, object?> Named { get; } = new(StringComparer.Ordinal);

    public object? Get(int index, string name, object? otherwise = null)
    {
        _asked.Add(name);
        return index >= 0 && index < Positional.Count ? Positional[index] : Named.GetValueOrDefault(name, otherwise);
    }

    public Tensor Tensor(int index, string name = "") => Get(index, name) is Tensor tensor ? tensor : default;

    public double Number(int index, string name, double otherwise = double.NaN) => ToDouble(Get(index, name) ?? otherwise);

    public float Single(int index, string name, double otherwise = double.NaN) => (float)Number(index, name, otherwise);

    public int Integer(int index, string name, int otherwise = 0) => Get(index, name) is { } value ? ToInt(value) : otherwise;

    public bool Flag(int index, string name, bool otherwise = false) => Get(index, name) as bool? ?? otherwise;

    /// <summary>One number or several; empty when absent.</summary>
    public int[] Integers(int index, string name) => ToInts(Get(index, name));

    /// <summary>All arguments from a position on, or the list that stands there: <c>permute(0, 1)</c> and <c>permute((0, 1))</c>.</summary>
    public int[] Rest(int index) => Positional[index] is List<object?> list ? ToInts(list) : [.. Positional.Skip(index).Select(ToInt)];

    public Size2D Size(int index, string name, int otherwise) => Integers(index, name) switch
    {
        [int both] => both,
        [int y, int x] => new Size2D(y, x),
        _ => otherwise,
    };

    /// <summary>Fails when a named argument was never looked at: it would have been ignored in silence.</summary>
    public void RequireAllAsked(string function)
    {
        if (Named.Keys.FirstOrDefault(name => !_asked.Contains(name)) is { } unknown)
            throw new NotSupportedException($"No code for the argument '{unknown}' of {function}.");
    }

    public static int ToInt(object? value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);

    public static double ToDouble(object? value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);

    public static int[] ToInts(object? value) => value switch
    {
        null => [],
        List<object?> list => [.. list.Select(ToInt)],
        _ => [ToInt(value)],
    };
}
