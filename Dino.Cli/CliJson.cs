using System.Text.Json;
using System.Text.Json.Serialization;
using Dino.Cli.Commands;

namespace Dino.Cli;

/// <summary>What commands print with <c>--json</c>, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(KnnOutput))]
[JsonSerializable(typeof(BenchOutput))]
[JsonSerializable(typeof(BenchDataOutput))]
[JsonSerializable(typeof(BenchKnnOutput))]
[JsonSerializable(typeof(TrainOutput))]
[JsonSerializable(typeof(EmbedOutput))]
[JsonSerializable(typeof(IndexOutput))]
[JsonSerializable(typeof(SearchOutput))]
[JsonSerializable(typeof(DedupOutput))]
[JsonSerializable(typeof(ClusterOutput))]
[JsonSerializable(typeof(ClusterMember[]))]
[JsonSerializable(typeof(AttentionOutput))]
[JsonSerializable(typeof(PcaOutput))]
[JsonSerializable(typeof(ScatterOutput))]
[JsonSerializable(typeof(MatchOutput))]
[JsonSerializable(typeof(DemoOutput))]
[JsonSerializable(typeof(DevicesOutput))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>Accuracy in percent, and of which features.</summary>
/// <param name="Results">For each number of neighbours that was asked for; the first of them is that of the other fields.</param>
internal sealed record KnnOutput(double Top1, double Top5, int K, int Train, int Test, int Skipped, FeaturesOutput Features, KnnAccuracy[] Results);

internal sealed record KnnAccuracy(int K, double Top1, double Top5);

/// <param name="Kind">weights, untrained or pixels.</param>
/// <param name="Network">Null for pixels, as is the precision.</param>
/// <param name="Seed">Of the first weights; null if they are not what was used.</param>
/// <param name="Resize">Short side of the pictures before the crop.</param>
/// <param name="Crop">Side of the square that was cropped.</param>
internal sealed record FeaturesOutput(string Kind, NetworkOutput? Network, string? Precision, long? Seed, int Resize, int Crop)
{
    public override string ToString() =>
        $"{(Kind == "pixels" ? "raw pixels" : $"{Network}, {Precision}, {(Seed is { } seed ? $"untrained, first weights of seed {seed}" : "weights of the file")}")}; pictures resized to {Resize} and cropped to {Crop}";
}

/// <summary>What was measured, and how fast it was; sizes that a benchmark does not have are absent. Threads and instruction set are those of a CPU.</summary>
internal sealed record BenchOutput(
    [property: JsonPropertyName("median_ms")] double MedianMilliseconds,
    [property: JsonPropertyName("min_ms")] double MinMilliseconds,
    [property: JsonPropertyName("max_ms")] double MaxMilliseconds,
    double ImagesPerSecond,
    [property: JsonPropertyName("peak_rss_mb")] double PeakMemory,
    int Repeats, int Batch, string Device, int? Threads, string? InstructionSet, NetworkOutput Network)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ImageSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Precision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Int8InstructionSet { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? GlobalSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? LocalSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? LocalCrops { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OutDim { get; init; }
}

/// <summary>A stage before the network, on one core.</summary>
internal sealed record BenchStage(string Name, double ImagesPerSecond);

internal sealed record BenchDataOutput(BenchStage[] Stages, int Pictures, [property: JsonPropertyName("peak_rss_mb")] double PeakMemory, int Threads, string InstructionSet);

internal sealed record BenchKnnOutput(
    [property: JsonPropertyName("median_ms")] double MedianMilliseconds,
    [property: JsonPropertyName("min_ms")] double MinMilliseconds,
    [property: JsonPropertyName("max_ms")] double MaxMilliseconds,
    double QueriesPerSecond,
    [property: JsonPropertyName("peak_rss_mb")] double PeakMemory,
    int Repeats, int Train, int Test, int Width, string Device, int? Threads, string? InstructionSet);

/// <summary>The losses are null when there was no step left to do.</summary>
internal sealed record TrainOutput(bool Completed, long Steps, long TotalSteps, double? Loss, double? TeacherEntropy, double? Kl, int SkippedPictures, string Output);

/// <param name="Completed">False if it was stopped: then the same call goes on.</param>
/// <param name="Count">Rows that there are.</param>
/// <param name="Computed">Rows that this call computed; the others were there from an earlier one.</param>
internal sealed record EmbedOutput(bool Completed, int Count, int Width, int Computed, int Skipped, string Output);

internal sealed record AttentionOutput(int Heads, int Rows, int Columns, string Output);

/// <param name="Explained">Share of the variance that each component explains.</param>
/// <param name="Foreground">Patches of the foreground; null if it was not split off.</param>
internal sealed record PcaOutput(int Pictures, int Patches, double[] Explained, int? Foreground, string Output);

/// <param name="Divergence">Of t-SNE; null for other methods.</param>
/// <param name="Shown">Pictures that have a place in the plot.</param>
internal sealed record ScatterOutput(int Count, int Width, int Skipped, int Iterations, double? Divergence, int Shown, string Output);

/// <param name="Found">Pairs of which the best are drawn and listed.</param>
internal sealed record MatchOutput(int Found, MatchGrid Image, MatchGrid With, MatchedPair[] Pairs, string Output);

internal sealed record MatchGrid(int Rows, int Columns);

/// <summary>Two places, (x, y) in pixels of the files.</summary>
internal sealed record MatchedPair(double[] Image, double[] With, double Similarity);

internal sealed record DemoOutput(double PixelsTop1, double UntrainedTop1, double TrainedTop1, double Seconds, string Report);

internal sealed record DevicesOutput(CpuOutput Cpu, CudaOutput Cuda);

internal sealed record CpuOutput(string InstructionSet, string Int8InstructionSet, int Threads);

/// <param name="Reason">Why no device is fit to compute; null if one is.</param>
internal sealed record CudaOutput(string? Reason, CudaDeviceOutput[] Devices, LibraryOutput[] Libraries);

internal sealed record CudaDeviceOutput(
    int Index, string Name, string ComputeCapability, int Multiprocessors, long TotalBytes, long? FreeBytes, string DriverCudaVersion, string? Problem);

internal sealed record LibraryOutput(string Name, string? Location, string? Reason);

/// <summary>Prints results for programs.</summary>
internal static class JsonOutput
{
    public static void Print<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => Console.Out.WriteLine(JsonSerializer.Serialize(value, type));
}
