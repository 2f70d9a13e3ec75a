using Dino.Nn;
using Dino.Ssl.Data;

namespace Dino.Ssl.Training;

/// <summary>What a file holds for <see cref="ModelFile.Load"/>.</summary>
/// <param name="Part">Key of the part that is taken; empty for a file of one network.</param>
/// <param name="Architecture">The architecture; null if it was not recognised. Heads of a vision transformer are those of the file's own words, otherwise 64 wide.</param>
/// <param name="Problem">Why it was not recognised; null if it was.</param>
/// <param name="Parameters">Learned values: of the backbone if it was recognised, otherwise of the part.</param>
/// <param name="LeftOut">Tensors that the backbone has no use for.</param>
/// <param name="Naming">Whose names the tensors have.</param>
/// <param name="Preprocessing">What is done to pictures; null if the architecture was not recognised.</param>
public sealed record ModelDescription(string Part, BackboneOptions? Architecture, string? Problem, long Parameters, IReadOnlyList<string> LeftOut, WeightNaming Naming, Preprocessing? Preprocessing);
