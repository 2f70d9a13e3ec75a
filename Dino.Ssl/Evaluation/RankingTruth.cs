namespace Dino.Ssl.Evaluation;

/// <summary>What a search for a query should find.</summary>
/// <param name="Relevant">Items that show the same; a query with none does not count.</param>
/// <param name="Ignored">Items that neither help nor harm where they stand: they are left out of the ranking.</param>
public sealed record RankingTruth(IReadOnlyCollection<int> Relevant, IReadOnlyCollection<int> Ignored);
