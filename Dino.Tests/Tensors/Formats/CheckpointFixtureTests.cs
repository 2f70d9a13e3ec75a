using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Every recorded checkpoint: what torch.load reads is read here, value by value; hostile and damaged files are refused by name.</summary>
public sealed class CheckpointFixtureTests
{
    private const string Group = "ckpt";

    public static TheoryData<string, string> Files
    {
        get
        {
            TheoryData<string, string> rows = [];
            if (!FixtureStore.Groups.ContainsKey(Group))
                return rows;
            using FixtureCase cases = FixtureStore.Open($"{Group}/cases");
            foreach (JsonProperty item in cases.Json.GetProperty("cases").EnumerateObject())
            {
                foreach (JsonElement file in item.Value.GetProperty("files").EnumerateArray())
                    rows.Add(item.Name, file.GetString()!);
            }

            return rows;
        }
    }

    [FixtureTheory, MemberData(nameof(Files))]
    public void File_meets_its_expectation(string name, string file)
    {
        using FixtureCase cases = FixtureStore.Open($"{Group}/cases");
        JsonElement description = cases.Json.GetProperty("cases").GetProperty(name);
        string path = Path.Combine(FixtureStore.Groups[Group], file);
        switch (description.GetProperty("expect").GetString())
        {
            case "load":
                AssertLoads(path, description);
                break;
            case "error":
                AssertRefused(path);
                break;
            case var other:
                Assert.Fail($"{name} expects '{other}', which this test does not know.");
                break;
        }
    }

    private static void AssertLoads(string path, JsonElement description)
    {
        using TensorFile file = TensorFile.Open(path);
        if (description.TryGetProperty("tensors", out JsonElement tensors))
        {
            using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(Path.GetDirectoryName(path)!, tensors.GetString()!));
            Assert.Equal(expected.Entries.Keys.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
            foreach (TensorEntry entry in expected.Entries.Values)
            {
                Assert.Equal(entry.Type, file.Entry(entry.Name).Type);
                Assert.Equal(entry.Shape, file.Entry(entry.Name).Shape);
                Assert.True(expected.ReadRaw(entry.Name).AsSpan().SequenceEqual(file.ReadRaw(entry.Name)), $"{path}: '{entry.Name}' has other bytes.");
                // NaN is among the special values: equal bits, not equal numbers.
                Assert.Equal(expected.ReadSingles(entry.Name).Select(BitConverter.SingleToInt32Bits), file.ReadSingles(entry.Name).Select(BitConverter.SingleToInt32Bits));
            }
        }

        JsonElement tree = description.GetProperty("tree");
        if (file is TorchFile torch)
        {
            AssertSame(file, "", tree, torch.Root);
            return;
        }

        Assert.Equal(tree.EnumerateObject().Select(item => item.Name).Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (JsonProperty item in tree.EnumerateObject())
        {
            AssertTensor(file, item.Name, item.Value);
            Assert.Equal(item.Value.GetProperty("values").EnumerateArray().Select(value => value.GetDouble()), file.ReadDoubles(item.Name));
        }
    }

    private static void AssertRefused(string path)
    {
        Exception error = Assert.ThrowsAny<Exception>(() =>
        {
            using TensorFile file = TensorFile.Open(path);
            foreach (string name in file.Entries.Keys)
                file.ReadRaw(name);
        });
        Assert.True(error is TorchFileException or InvalidDataException, $"{path}: {error}");
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        if (!path.EndsWith(".pth", StringComparison.Ordinal))
            return;
        TorchFileException refused = Assert.Throws<TorchFileException>(() =>
        {
            using TorchFile file = TorchFile.Open(path);
            foreach (string name in file.Entries.Keys)
                file.ReadRaw(name);
        });
        Assert.Equal(path, refused.FilePath);
        if (Path.GetFileName(path).StartsWith("hostile", StringComparison.Ordinal))
            Assert.Contains(refused.RefusedName!, refused.Message, StringComparison.Ordinal);
    }

    private static void AssertSame(TensorFile file, string path, JsonElement expected, object? actual)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object when expected.TryGetProperty("__tensor__", out JsonElement name):
                Assert.IsType<TorchTensor>(actual);
                Assert.Equal(path, name.GetString());
                AssertTensor(file, path, expected);
                break;
            case JsonValueKind.Object:
                bool isNamespace = expected.TryGetProperty("__namespace__", out JsonElement space);
                TorchDictionary dictionary = Assert.IsType<TorchDictionary>(actual, exactMatch: false);
                Assert.Equal(isNamespace, actual is TorchNamespace);
                JsonProperty[] members = [.. (isNamespace ? space : expected).EnumerateObject()];
                Assert.Equal(members.Select(member => member.Name), dictionary.Keys.Select(key => Convert.ToString(key, CultureInfo.InvariantCulture)));
                foreach ((JsonProperty member, object? value) in members.Zip(dictionary.Values))
                    AssertSame(file, Join(path, member.Name), member.Value, value);
                break;
            case JsonValueKind.Array:
                TorchSequence sequence = Assert.IsType<TorchSequence>(actual);
                Assert.Equal(expected.GetArrayLength(), sequence.Count);
                for (int i = 0; i < sequence.Count; i++)
                    AssertSame(file, Join(path, i.ToString(CultureInfo.InvariantCulture)), expected[i], sequence[i]);
                break;
            case JsonValueKind.Number when actual is double number:
                Assert.Equal(expected.GetDouble(), number);
                break;
            case JsonValueKind.Number:
                Assert.True(actual is long or BigInteger, $"{path} is {actual}.");
                Assert.Equal(expected.GetRawText(), Convert.ToString(actual, CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.String:
                Assert.Equal(expected.GetString(), actual as string ?? (actual as TorchSymbol)?.Name);
                break;
            default:
                Assert.Equal(expected.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null }, actual);
                break;
        }
    }

    private static void AssertTensor(TensorFile file, string path, JsonElement expected)
    {
        TensorEntry entry = file.Entry(path);
        Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(length => length.GetInt64()), entry.Shape);
        string type = expected.GetProperty("dtype").GetString() switch
        {
            "bool" => "BOOL",
            "bfloat16" => "BF16",
            var name => name!.Replace("float", "F", StringComparison.Ordinal).Replace("uint", "U", StringComparison.Ordinal).Replace("int", "I", StringComparison.Ordinal),
        };
        Assert.Equal(type, entry.Type);
    }

    private static string Join(string path, string step) => path.Length == 0 ? step : $"{path}/{step}";
}
