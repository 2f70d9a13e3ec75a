using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Tests.Golden;

/// <summary>One golden case: <c>name.json</c> (configuration, tolerances) beside <c>name.safetensors</c> (numbers).</summary>
public sealed class FixtureCase : IDisposable
{
    private readonly JsonDocument _json;
    private readonly SafetensorsFile? _data;

    internal FixtureCase(string jsonPath)
    {
        JsonPath = jsonPath;
        _json = JsonDocument.Parse(File.ReadAllBytes(jsonPath));
        string data = Path.ChangeExtension(jsonPath, ".safetensors");
        _data = File.Exists(data) ? SafetensorsFile.Open(data) : null;
    }

    public string JsonPath { get; }

    public string Folder => Path.GetDirectoryName(JsonPath)!;

    public string Name => Path.GetFileNameWithoutExtension(JsonPath);

    public JsonElement Json => _json.RootElement;

    public JsonElement Config => Json.GetProperty("config");

    public IEnumerable<string> Names => Data.Entries.Keys;

    public SafetensorsFile Data => _data ?? throw new InvalidOperationException($"{JsonPath} has no safetensors file beside it.");

    public bool Has(string name) => Data.Entries.ContainsKey(name);

    public int[] Shape(string name) => [.. Data.Entries[name].Shape.Select(length => (int)length)];

    public float[] Singles(string name) => Data.ReadSingles(name);

    public double[] Doubles(string name) => Data.ReadDoubles(name);

    /// <summary>Compares with the truth: <c>out64.y</c> or <c>grad64.x</c> where they exist, else <c>out.y</c> / <c>grad.x</c>, at the bound in the file.</summary>
    public void AssertMatches(string name, ReadOnlySpan<float> actual)
    {
        string truth = name.StartsWith("out.", StringComparison.Ordinal) ? "out64." + name[4..]
            : name.StartsWith("grad.", StringComparison.Ordinal) ? "grad64." + name[5..]
            : name;
        double[] expected = Doubles(Has(truth) ? truth : name);
        Assert.True(expected.Length == actual.Length, $"{Name} {name}: {actual.Length} values, expected {expected.Length}.");
        if (!Json.GetProperty("tolerances").TryGetProperty(name, out JsonElement tolerance))
            throw new InvalidOperationException($"{JsonPath} states no tolerance for {name}.");
        if (Flag(tolerance, "loose"))
        {
            foreach (float value in actual)
                Assert.True(float.IsFinite(value), $"{Name} {name}: {value} is not finite.");
            return;
        }

        double bound = Flag(tolerance, "exact") || !tolerance.TryGetProperty("atol", out JsonElement atol) ? 0 : atol.GetDouble();
        AssertClose(name, actual, expected, bound);
    }

    /// <summary>|actual - expected| ≤ bound elementwise; NaN equals NaN and infinities equal themselves.</summary>
    public void AssertClose(string name, ReadOnlySpan<float> actual, ReadOnlySpan<double> expected, double bound)
    {
        double worst = 0;
        int at = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            // The truth is compared after rounding to F32 where exactness is asked for.
            double wanted = bound == 0 ? (float)expected[i] : expected[i];
            if (actual[i].Equals((float)wanted) || (bound == 0 && actual[i] == (float)wanted))
                continue;
            double difference = Math.Abs(actual[i] - wanted);
            if (double.IsNaN(difference) || difference > worst)
            {
                (worst, at) = (difference, i);
                if (double.IsNaN(difference))
                    break;
            }
        }

        Assert.True(at < 0 || worst <= bound, at < 0 ? "" : $"{Name} {name}[{at}] = {actual[at]:g9}, expected {expected[at]:g9}: off by {worst:g3}, bound {bound:g3}.");
    }

    public void Dispose()
    {
        _json.Dispose();
        _data?.Dispose();
    }

    private static bool Flag(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
}
