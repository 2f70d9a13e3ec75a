using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Tests.Imaging;

/// <summary>The decoding groups of the golden data: one <c>cases.json</c> beside the picture files, expected pixels in three safetensors files.</summary>
internal static class DecodeCases
{
    public static IEnumerable<string> Groups => FixtureStore.Groups.Keys.Where(group => group.StartsWith("f_decode", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>Every file of every group as <c>group/file</c>.</summary>
    public static TheoryData<string> All()
    {
        TheoryData<string> rows = [];
        foreach (string group in Groups)
        {
            using FixtureCase cases = FixtureStore.Open($"{group}/cases");
            foreach (JsonProperty file in cases.Json.GetProperty("files").EnumerateObject())
                rows.Add($"{group}/{file.Name}");
        }

        return rows;
    }

    public static (string Group, string File) Split(string id)
    {
        int slash = id.IndexOf('/', StringComparison.Ordinal);
        return (id[..slash], id[(slash + 1)..]);
    }

    /// <summary>The description of a file.</summary>
    public static JsonElement Describe(string id)
    {
        (string group, string file) = Split(id);
        using FixtureCase cases = FixtureStore.Open($"{group}/cases");
        return cases.Json.GetProperty("files").GetProperty(file).Clone();
    }

    public static byte[] Bytes(string id) => File.ReadAllBytes(PathOf(id));

    public static string PathOf(string id)
    {
        (string group, string file) = Split(id);
        return Path.Combine(FixtureStore.Groups[group], file);
    }

    /// <summary>Expected pixels [height, width, 3], or null where the reference has none.</summary>
    public static (int Height, int Width, byte[] Pixels)? Expected(string group, string key)
    {
        foreach (string path in Directory.EnumerateFiles(FixtureStore.Groups[group], "expected_*.safetensors"))
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            if (!file.Entries.TryGetValue(key, out TensorEntry? entry))
                continue;
            byte[] pixels = new byte[entry.Length];
            file.Read(entry, pixels);
            return ((int)entry.Shape[0], (int)entry.Shape[1], pixels);
        }

        return null;
    }
}
