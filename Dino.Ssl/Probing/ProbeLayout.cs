using Dino.Ssl.Embedding;
using Dino.Ssl.Training;

namespace Dino.Ssl.Probing;

/// <summary>
/// A row of features that serves several heads: the CLS tokens of the last blocks, oldest first, then the mean patch token of the last block. What one
/// head sees are neighbouring columns of it.
/// </summary>
/// <param name="Width">Width of a token, D.</param>
/// <param name="Blocks">CLS tokens.</param>
/// <param name="HasMean">Whether the mean patch token is there.</param>
internal sealed record ProbeLayout(int Width, int Blocks, bool HasMean)
{
    /// <summary>Length of a row.</summary>
    public int Columns => Width * (Blocks + (HasMean ? 1 : 0));

    /// <summary>The shortest row that serves all heads.</summary>
    public static ProbeLayout Of(int width, IReadOnlyList<LinearHead> heads) => new(width, heads.Max(head => head.Blocks), heads.Any(head => head.AveragePool));

    /// <summary>First column of a head, and the one after its last.</summary>
    public (int Start, int End) ColumnsOf(LinearHead head) => (Width * (Blocks - head.Blocks), Width * (Blocks + (head.AveragePool ? 1 : 0)));

    /// <summary>Computes such rows.</summary>
    /// <exception cref="ArgumentException">The network has no such features.</exception>
    public FeatureExtractor ExtractorOf(LoadedModel model) => new(model, (Blocks, HasMean) switch
    {
        (1, false) => FeatureKind.Cls,
        (1, true) => FeatureKind.ClsAndPatchMean,
        (_, false) => FeatureKind.LastBlocks,
        _ => FeatureKind.LastBlocksAndPatchMean,
    }, normalize: false, Blocks);
}
