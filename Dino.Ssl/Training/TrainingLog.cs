using System.Text.Json;

namespace Dino.Ssl.Training;

/// <summary>The lines of <c>log.jsonl</c>: one JSON object a step and one an epoch.</summary>
internal sealed class TrainingLog : IDisposable
{
    /// <summary>Name of the log in an output folder.</summary>
    public const string FileName = "log.jsonl";

    private readonly FileStream _stream;

    private TrainingLog(FileStream stream) => _stream = stream;

    /// <summary>Opens the log and forgets the lines of steps from <paramref name="step"/> on, which a resumed run will write again.</summary>
    public static TrainingLog Open(string path, long step)
    {
        List<string> kept = [];
        if (step > 0 && File.Exists(path))
            kept.AddRange(File.ReadLines(path).TakeWhile(line => IsBefore(line, step)));
        File.WriteAllLines(path, kept);
        return new TrainingLog(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read));
    }

    public void Write(StepLine line) => Write(JsonSerializer.SerializeToUtf8Bytes(line, SslJson.Default.StepLine));

    public void Write(EpochLine line) => Write(JsonSerializer.SerializeToUtf8Bytes(line, SslJson.Default.EpochLine));

    public void Dispose() => _stream.Dispose();

    private void Write(byte[] line)
    {
        _stream.Write(line);
        _stream.Write("\n"u8);
        _stream.Flush();
    }

    private static bool IsBefore(string line, long step)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.GetProperty("step").GetInt64() < step;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // A line cut off by a kill: it and what follows is written again.
            return false;
        }
    }
}
