using Dino.Ssl.Data;
using Dino.Ssl.Embedding;

namespace Dino.Cli.Display;

/// <summary>Runs the embedding of a folder and says on the error stream what it found, how far it is, and what it left out.</summary>
internal static class EmbeddingDisplay
{
    public static EmbeddingResult Run(FolderEmbedding run, int batch, CancellationToken cancellation)
    {
        if (run.Finding is { } finding)
            Console.Error.WriteLine(finding);
        EmbeddingResult result = Compute(run, batch, cancellation);
        foreach (SkippedPicture skipped in result.Skipped)
            Console.Error.WriteLine($"left out {skipped.Path}: {skipped.Reason}");
        return result;
    }

    private static EmbeddingResult Compute(FolderEmbedding run, int batch, CancellationToken cancellation)
    {
        using PictureProgress progress = new(run.Missing);
        int done = 0;
        try
        {
            return run.Run(batch, new Counted(progress, value => done = value), cancellation);
        }
        catch (OperationCanceledException)
        {
            progress.Say($"{run.Total - run.Missing + done} of {run.Total} features are kept; the same call goes on from there");
            throw;
        }
    }

    /// <summary>Progress that somebody else counts too.</summary>
    private sealed class Counted(IProgress<int> shown, Action<int> count) : IProgress<int>
    {
        public void Report(int value)
        {
            count(value);
            shown.Report(value);
        }
    }
}
