using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Dino.Cli;

/// <summary>What <c>dino info</c> and <c>dino convert</c> print with <c>--json</c>, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ConvertOutput))]
[JsonSerializable(typeof(InfoOutput))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

internal sealed record ConvertOutput(int Tensors, string Part, long Bytes, string[] LeftOut, string Output);

/// <param name="Part">Key of the part that commands take; empty if the file is one network.</param>
/// <param name="Architecture">Null if it was not recognised; then <paramref name="Problem"/> says why.</param>
/// <param name="Parameters">Learned values of the backbone, or of the part if the backbone was not recognised.</param>
/// <param name="Naming">Whose names the tensors have: <c>official</c>, <c>transformers</c> or <c>timm</c>.</param>
/// <param name="Pictures">What is done to pictures; null if the architecture was not recognised.</param>
/// <param name="LeftOut">Tensors that the backbone has no use for.</param>
/// <param name="Entries">What a checkpoint holds beside tensors: epoch, arguments, ...</param>
internal sealed record InfoOutput(
    string File, string Format, string Part, ArchitectureOutput? Architecture, string? Problem, long Parameters, string Naming, PicturesOutput? Pictures,
    TensorOutput[] Tensors, string[] LeftOut, JsonObject Entries, SortedDictionary<string, string> Metadata);

/// <summary>What networks of both kinds have; what one kind has stands in a part of its own, and is null for the other.</summary>
/// <param name="Kind"><c>vit</c> or <c>resnet</c>, which has no depth, heads, ratio and bias.</param>
/// <param name="Arch">Its name; null if it has none.</param>
internal sealed record ArchitectureOutput(
    string Kind, string? Arch, int PatchSize, int Width, int? Depth, int? Heads, double? MlpRatio, int ImageSize, int Channels, bool? QkvBias, TransformerOutput? Transformer, [property: JsonPropertyName("resnet")] ResNetOutput? ResNet);

/// <param name="Size">Side of the square that the network sees.</param>
/// <param name="Resize">Length of the short side before the crop, or of both.</param>
/// <param name="Square">Whether both sides are resized.</param>
/// <param name="FloatPixels">Whether resized pixels are not rounded to bytes.</param>
internal sealed record PicturesOutput(int Size, int Resize, bool Square, string Filter, bool FloatPixels, float[] Mean, float[] StandardDeviation);

internal sealed record TensorOutput(string Name, string Type, long[] Shape);
