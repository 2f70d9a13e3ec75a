using System.Diagnostics;
using System.Globalization;
using Dino.Tensors.Formats;

namespace Dino.Cli.Display;

/// <summary>Says on the error stream how far a long conversion has come, and ends one that is no longer wanted.</summary>
internal sealed class ConvertProgress(CancellationToken cancellation)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(3);

    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private long _total;
    private long _done;

    /// <summary>Adds a tensor to what is written: its bytes are read, and reported, when its turn comes.</summary>
    public void Add(SafetensorsWriter writer, string name, TensorFile file, TensorEntry entry)
    {
        _total += entry.Length;
        writer.AddRaw(name, entry.Type, entry.Shape, () =>
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] bytes = file.ReadRaw(entry.Name);
            Report(bytes.Length);
            return bytes;
        });
    }

    private void Report(long bytes)
    {
        _done += bytes;
        if (_sinceLine.Elapsed < s_pause)
            return;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_done / 1e9:f2} of {_total / 1e9:f2} GB"));
        _sinceLine.Restart();
    }
}
