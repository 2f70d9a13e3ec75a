using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dino.Tensors.Formats;

namespace Dino.Cli;

/// <summary>Shows the content of checkpoints: values as JSON, names in short.</summary>
internal static class CheckpointText
{
    /// <summary>Writers of JSON bear 64 levels; nobody reads as many.</summary>
    private const int MaxDepth = 32;

    /// <summary>A value as JSON, without tensors and what holds nothing else; null if nothing is left. Numbers JSON does not have become text.</summary>
    public static JsonNode? WithoutTensors(object? value, int depth = 0)
    {
        if (depth > MaxDepth)
            return JsonValue.Create("...");
        switch (value)
        {
            case TorchDictionary dictionary:
                JsonObject members = [];
                foreach ((object key, object? item) in dictionary)
                {
                    JsonNode? node = WithoutTensors(item, depth + 1);
                    if (node is not null || item is null)
                        members[Convert.ToString(key, CultureInfo.InvariantCulture) ?? ""] = node;
                }

                return members.Count > 0 || dictionary.Count == 0 ? members : null;
            case TorchSequence sequence:
                JsonArray items = [];
                foreach (object? item in sequence)
                {
                    JsonNode? node = WithoutTensors(item, depth + 1);
                    if (node is not null || item is null)
                        items.Add(node);
                }

                return items.Count > 0 || sequence.Count == 0 ? items : null;
            case bool flag: return JsonValue.Create(flag);
            case long number: return JsonValue.Create(number);
            case double number when double.IsFinite(number): return JsonValue.Create(number);
            case double or BigInteger: return JsonValue.Create(Convert.ToString(value, CultureInfo.InvariantCulture));
            case string text: return JsonValue.Create(text);
            case byte[] bytes: return JsonValue.Create($"{bytes.Length} bytes");
            case TorchSymbol symbol: return JsonValue.Create(symbol.Name);
            default: return null;
        }
    }

    /// <summary>Text of metadata; where it is JSON, pairs and triples are lists: <c>[0.4,1]</c> and not <c>{"item1":0.4,"item2":1}</c>.</summary>
    public static string WithoutItems(string text)
    {
        if (!text.Contains("\"item1\"", StringComparison.Ordinal))
            return text;
        try
        {
            return WithoutItems(JsonNode.Parse(text))!.ToJsonString();
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static JsonNode? WithoutItems(JsonNode? node) => node switch
    {
        JsonObject members when members.Count > 0 && members.Select((member, i) => member.Key == $"item{i + 1}").All(isItem => isItem) => new JsonArray([.. members.Select(member => WithoutItems(member.Value))]),
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, WithoutItems(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(WithoutItems)]),
        _ => node?.DeepClone(),
    };

    /// <summary>How many names there are of each kind: <c>student (150), teacher/head (8), optimizer (96)</c>.</summary>
    /// <param name="names">Names in a file.</param>
    /// <param name="part">The part whose names are told apart by their second step too.</param>
    public static string Summarize(IEnumerable<string> names, string part)
    {
        return string.Join(", ", names.GroupBy(Kind, StringComparer.Ordinal).Select(group => $"{group.Key} ({group.Count()})"));

        string Kind(string name)
        {
            if (part.Length > 0 && name.Length > part.Length + 1 && name.StartsWith(part, StringComparison.Ordinal) && name[part.Length] is '/' or '.')
                return $"{part}/{First(name[(part.Length + 1)..].Replace("module.", "", StringComparison.Ordinal))}";
            return First(name);
        }

        static string First(string name) => name.IndexOfAny(['/', '.']) is var end and > 0 ? name[..end] : name;
    }

    /// <summary>The beginning of a long line, without what terminals obey: names come from the file.</summary>
    public static string Shorten(string line, int width)
    {
        string shown = line.Length <= width ? line : $"{line[..(width - 4)]} ...";
        return string.Concat(shown.Select(character => char.IsControl(character) ? '\uFFFD' : character));
    }
}
