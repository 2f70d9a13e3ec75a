using System.Text.Json.Serialization;

namespace Dino.Ssl.Retrieval;

/// <summary>JSON in the metadata of an index, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IncludeFields = true, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(IndexOrigin))]
internal sealed partial class RetrievalJson : JsonSerializerContext;
