using Dino.Ssl.Data;

namespace Dino.Ssl.Retrieval;

/// <summary>The near-duplicates of a folder.</summary>
/// <param name="Groups">Each with the best picture first, the one with the most pixels and of those the largest file; every other one is a copy of that one. By the path of the first.</param>
/// <param name="Count">Pictures that were compared.</param>
/// <param name="Skipped">Files that could not be used.</param>
public sealed record DuplicateReport(IReadOnlyList<IReadOnlyList<DuplicatePicture>> Groups, int Count, IReadOnlyCollection<SkippedPicture> Skipped)
{
    /// <summary>Every picture that is a copy of a better one.</summary>
    public IEnumerable<DuplicatePicture> Copies => Groups.SelectMany(group => group.Skip(1));
}
