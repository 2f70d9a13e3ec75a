using System.Text.Json.Serialization;
using Dino.Ssl.Data;

namespace Dino.Ssl.Probing;

/// <summary>JSON of the files of a probe, generated at compile time: no reflection at run time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IncludeFields = true, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(LinearProbeOptions))]
[JsonSerializable(typeof(ProbeSubject))]
[JsonSerializable(typeof(ProbePosition))]
[JsonSerializable(typeof(ClassifierDescription))]
internal sealed partial class ProbeJson : JsonSerializerContext;

/// <summary>What a probe is of: must be the same when it is resumed.</summary>
internal sealed record ProbeSubject(string Network, Preprocessing Preprocessing, IReadOnlyList<string> Classes, int TrainPictures, int TestPictures, int StepsPerEpoch);

/// <summary>How far a probe is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Sums">Each head's losses of the unfinished epoch, weighted by pictures.</param>
/// <param name="Pictures">Pictures of the unfinished epoch.</param>
/// <param name="Epochs">The finished ones.</param>
internal sealed record ProbePosition(long Step, double[] Sums, long Pictures, IReadOnlyList<LinearEpoch> Epochs);
