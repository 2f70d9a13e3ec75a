using Dino.Ssl.Evaluation;

namespace Dino.Ssl.Demo;

/// <summary>What the demonstration found: 20-NN accuracies in percent.</summary>
/// <param name="Pixels">Raw pixels.</param>
/// <param name="Untrained">The network with random first weights.</param>
/// <param name="Trained">The teacher after training.</param>
/// <param name="ReportPath">The page that shows everything.</param>
public sealed record DemoResult(KnnResult Pixels, KnnResult Untrained, KnnResult Trained, string ReportPath);
