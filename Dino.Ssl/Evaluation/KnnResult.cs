namespace Dino.Ssl.Evaluation;

/// <summary>Accuracy of a k-NN evaluation.</summary>
/// <param name="Top1">Percent of the queries whose best class is right.</param>
/// <param name="Top5">Percent of the queries whose class is among the best five (or k, if fewer).</param>
/// <param name="K">Neighbours that vote.</param>
/// <param name="Train">Pictures in memory.</param>
/// <param name="Test">Queries.</param>
public sealed record KnnResult(double Top1, double Top5, int K, int Train, int Test);
