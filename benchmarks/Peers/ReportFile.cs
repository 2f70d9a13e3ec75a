using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dino.Benchmarks.Peers;

/// <summary>Everything of a run for other programs.</summary>
internal sealed record ReportFile(Machine Machine, int Rounds, double Seconds, double TotalSeconds, IReadOnlyList<RowResult> Rows)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, s_options));
}
