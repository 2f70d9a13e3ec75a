using System.Text.Json.Serialization;
using Dino.Nn;
using Dino.Ssl.Data;

namespace Dino.Ssl.Training;

/// <summary>JSON of settings and log lines, generated at compile time: no reflection at run time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IncludeFields = true, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true, RespectNullableAnnotations = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(VisionTransformerOptions))]
[JsonSerializable(typeof(ResNetOptions))]
[JsonSerializable(typeof(DinoHeadOptions))]
[JsonSerializable(typeof(DinoOptions))]
[JsonSerializable(typeof(MultiCropOptions))]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(StepLine))]
[JsonSerializable(typeof(EpochLine))]
internal sealed partial class SslJson : JsonSerializerContext;

/// <summary>One step in <c>log.jsonl</c>.</summary>
internal sealed record StepLine(
    string Type, long Step, int Epoch, double Loss, double TeacherEntropy, double Kl, double Lr, double Wd, double Momentum, double TeacherTemp, double ImagesPerSecond);

/// <summary>
/// One epoch in <c>log.jsonl</c>: means over its steps; speed and seconds are those since the program started, as are the unusable pictures met so far.
/// </summary>
internal sealed record EpochLine(
    string Type, int Epoch, long Step, double Loss, double TeacherEntropy, double Kl, double Lr, double Wd, double Momentum, double TeacherTemp, double ImagesPerSecond, double Seconds, int SkippedPictures, string[] Warnings);
