using Dino.Ssl.Data;

namespace Dino.Ssl.Retrieval;

/// <summary>What bringing an index up to date did.</summary>
/// <param name="Count">Pictures in the index now.</param>
/// <param name="Added">Pictures that were new.</param>
/// <param name="Changed">Pictures whose file had changed: their features were computed again.</param>
/// <param name="Removed">Pictures whose file was gone, or can no longer be read.</param>
/// <param name="Kept">Pictures that were left as they were.</param>
/// <param name="Skipped">Files that could not be used; they are tried again next time.</param>
public sealed record IndexUpdate(int Count, int Added, int Changed, int Removed, int Kept, IReadOnlyCollection<SkippedPicture> Skipped);
