using Dino.Ssl.Embedding;

namespace Dino.Cli.Display;

/// <summary>Runs the embedding of a folder and says on the error stream what it found and how far it is.</summary>
internal static class EmbeddingDisplay
{
    /// <summary>Computes what is missing, or a part of it: what a stopped run has is kept in its unfinished file.</summary>
    public static (bool Completed, EmbeddingResult Result) Run(FolderEmbedding run, int width, int batch, CancellationToken cancellation)
    {
        if (run.Finding is { } finding)
            Console.Error.WriteLine(finding);
        using PictureProgress progress = new(run.Missing);
        int done = 0;
        try
        {
            return (true, run.Run(batch, new Counted(progress, value => done = value), cancellation));
        }
        catch (OperationCanceledException)
        {
            int kept = run.Total - run.Missing + done;
            progress.Say($"{kept} of {run.Total} features are kept; the same call goes on from there");
            return (false, new EmbeddingResult(kept, width, done, []));
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
