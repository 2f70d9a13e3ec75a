using Dino.Ssl.Retrieval;

namespace Dino.Cli.Display;

/// <summary>How far work in stages is: a progress line for each.</summary>
internal sealed class StageDisplay : IProgress<RetrievalProgress>, IDisposable
{
    private readonly Lock _lock = new();
    private PictureProgress? _progress;
    private string _what = "";

    public void Report(RetrievalProgress value)
    {
        lock (_lock)
        {
            if (value.What != _what)
            {
                _progress?.Dispose();
                (_progress, _what) = (new PictureProgress(value.Total, value.What), value.What);
            }

            _progress!.Report(value.Done);
        }
    }

    public void Dispose() => _progress?.Dispose();
}
