namespace Dino.Ssl.Evaluation;

/// <summary>What k-means found.</summary>
/// <param name="Centres">[k, D], row-major.</param>
/// <param name="Labels">[N], the cluster of each row: the one with the nearest centre, of equal ones the first.</param>
/// <param name="Inertia">Sum over the rows of the squared distance to their centre; spherical, of 1 less the cosine.</param>
/// <param name="Iterations">Assignments made.</param>
/// <param name="HasConverged">Whether the last assignment changed nothing.</param>
public sealed record KMeansResult(float[] Centres, int[] Labels, double Inertia, int Iterations, bool HasConverged);
