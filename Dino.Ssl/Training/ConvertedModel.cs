using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>A backbone of another naming as a weight file of this library has it.</summary>
/// <param name="Tensors">Under official names; the file they came from must stay open while they are read.</param>
/// <param name="Metadata">Architecture and preprocessing: with them the file describes itself.</param>
/// <param name="LeftOut">Tensors that the backbone has no use for, under their names in the file.</param>
public sealed record ConvertedModel(TensorFile Tensors, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<string> LeftOut);
