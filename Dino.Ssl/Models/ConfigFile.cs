using System.Text.Json;

namespace Dino.Ssl.Models;

/// <summary>A JSON file of settings, or an object in one, whose values are asked for by name and kind. What is null in it is not there.</summary>
/// <remarks>Nothing in it is trusted: sizes and depth are bounded, and a value of another kind or out of range is an error that names it.</remarks>
internal sealed class ConfigFile
{
    /// <summary>Names of a thousand classes take some tens of kilobytes.</summary>
    private const long MaxBytes = 16 << 20;

    /// <summary>No length in a network is larger.</summary>
    private const int MaxLength = 1 << 20;

    private readonly JsonElement _object;
    private readonly string _prefix;

    private ConfigFile(string path, JsonElement content, string prefix = "") => (Path, _object, _prefix) = (path, content, prefix);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <exception cref="InvalidDataException">The file is too long, or no JSON object.</exception>
    public static ConfigFile Open(string path)
    {
        if (new FileInfo(path).Length > MaxBytes)
            throw new InvalidDataException($"{path}: a configuration of more than {MaxBytes} bytes is not read.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, document.RootElement.Clone())
                : throw new InvalidDataException($"{path} is no JSON object.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is no JSON file: {error.Message}", error);
        }
    }

    /// <summary>Whether there is a value.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A whole number from 0 on; null if it is not there.</summary>
    public int? Length(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return Length(value) ?? throw Wrong(name, $"must be a whole number from 0 to {MaxLength}");
    }

    /// <summary>Whole numbers from 0 on, also a single one; null if they are not there.</summary>
    public int[]? Lengths(string name)
    {
        if (Find(name) is not { } value)
            return null;
        int?[] lengths = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Length)] : [Length(value)];
        return lengths.Length is > 0 and < 16 && Array.TrueForAll(lengths, length => length is not null)
            ? Array.ConvertAll(lengths, length => length!.Value)
            : throw Wrong(name, $"must be a whole number from 0 to {MaxLength}, or a short list of them");
    }

    /// <summary>The side of a square, also written as two equal ones; null if it is not there.</summary>
    public int? Side(string name) => Lengths(name) switch
    {
        null => null,
        [var side] => side,
        [var height, var width] when height == width => height,
        _ => throw Wrong(name, "must be the side of a square"),
    };

    /// <summary>A finite number; null if it is not there.</summary>
    public double? Number(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return Number(value) ?? throw Wrong(name, "must be a number");
    }

    /// <summary>Finite numbers; null if they are not there.</summary>
    public double[]? Numbers(string name)
    {
        if (Find(name) is not { } value)
            return null;
        double?[] numbers = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Number)] : [null];
        return numbers.Length is > 0 and < 16 && Array.TrueForAll(numbers, number => number is not null)
            ? Array.ConvertAll(numbers, number => number!.Value)
            : throw Wrong(name, "must be a short list of numbers");
    }

    /// <summary>True or false; null if it is not there.</summary>
    public bool? Flag(string name) => Find(name)?.ValueKind switch
    {
        null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "must be true or false"),
    };

    /// <summary>A text; null if it is not there.</summary>
    public string? Text(string name)
    {
        if (Find(name) is not { } value)
            return null;
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, "must be a text");
        }
        catch (InvalidOperationException)
        {
            // Half of a character is no text.
            throw Wrong(name, "must be a text");
        }
    }

    /// <summary>An object in this one; null if there is no object of that name.</summary>
    public ConfigFile? Section(string name) => Find(name) is { ValueKind: JsonValueKind.Object } value ? new ConfigFile(Path, value, $"{_prefix}{name}.") : null;

    /// <summary>Compares a value with what the weights say.</summary>
    /// <param name="name">Of a whole number.</param>
    /// <param name="found">In the weights.</param>
    /// <param name="what">What that is.</param>
    /// <exception cref="InvalidDataException">They contradict each other.</exception>
    public void Expect(string name, int found, string what)
    {
        if (Length(name) is { } said && said != found)
            throw Wrong(name, $"contradicts the weights, where the {what} is {found}");
    }

    /// <summary>Compares a value with the only one that is supported.</summary>
    /// <exception cref="InvalidDataException">Another value.</exception>
    public void Expect(string name, bool supported)
    {
        if (Flag(name) is { } said && said != supported)
            throw Wrong(name, $"is not supported: only {(supported ? "true" : "false")} is");
    }

    /// <inheritdoc cref="Expect(string, bool)"/>
    public void Expect(string name, string supported)
    {
        if (Text(name) is { } said && said != supported)
            throw Wrong(name, $"is not supported: only \"{supported}\" is");
    }

    /// <summary>An error about a value: <c>config.json: 'patch_size' is 0, but must be ...</c></summary>
    /// <param name="name">Of the value.</param>
    /// <param name="reason">What follows "but": <c>must be ...</c></param>
    public InvalidDataException Wrong(string name, string reason)
    {
        string shown = Find(name)?.GetRawText() ?? "missing";
        return new InvalidDataException($"{Path}: '{_prefix}{name}' is {(shown.Length > 60 ? $"{shown[..60]} ..." : shown)}, but {reason}.");
    }

    private JsonElement? Find(string name) => _object.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static int? Length(JsonElement value) => Number(value) is { } number and >= 0 and <= MaxLength && number == Math.Floor(number) ? (int)number : null;

    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;
}
