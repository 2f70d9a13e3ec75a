using Dino.Ssl.Evaluation;

namespace Dino.Ssl.Retrieval;

/// <summary>How far a stage of some work is.</summary>
/// <param name="What">What is counted, in the plural; another word begins another stage.</param>
/// <param name="Done">How many are done.</param>
/// <param name="Total">How many there are in this stage.</param>
public readonly record struct RetrievalProgress(string What, int Done, int Total);

/// <summary>One stage of it.</summary>
internal sealed class StageProgress(IProgress<RetrievalProgress>? progress, string what, int total) : IProgress<int>, IProgress<KMeansProgress>
{
    public void Report(int value) => progress?.Report(new RetrievalProgress(what, value, total));

    public void Report(KMeansProgress value) => Report(value.Iteration);
}
