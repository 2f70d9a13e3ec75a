namespace Dino.Samples.WebGallery;

/// <summary>What the log says.</summary>
internal static partial class GalleryLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Embedding {Count} pictures of {Folder}")]
    public static partial void Opening(this ILogger logger, int count, string folder);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Left out {Path}: {Reason}")]
    public static partial void Skipped(this ILogger logger, string path, string reason);
}
