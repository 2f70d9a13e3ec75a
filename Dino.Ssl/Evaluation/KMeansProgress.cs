namespace Dino.Ssl.Evaluation;

/// <summary>An assignment of k-means.</summary>
/// <param name="Iteration">From 1.</param>
/// <param name="Changed">Rows that changed their cluster; 0 ends the clustering.</param>
public readonly record struct KMeansProgress(int Iteration, int Changed);
