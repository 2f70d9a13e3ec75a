using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>Sums over the steps of an epoch, in the order of the steps.</summary>
internal readonly record struct EpochSums(double Loss, double Entropy, int Count)
{
    public EpochSums With(double loss, double entropy) => new(Loss + loss, Entropy + entropy, Count + 1);
}

/// <summary>The lines of <c>log.jsonl</c>: one JSON object a step and one an epoch.</summary>
internal sealed class TrainingLog : IDisposable
{
    /// <summary>Name of the log in an output folder.</summary>
    public const string FileName = "log.jsonl";

    private const string StepType = "step";

    private readonly FileStream _stream;

    private TrainingLog(FileStream stream, EpochSums unfinished) => (_stream, Unfinished) = (stream, unfinished);

    /// <summary>Sums over the steps that the log already holds of the epoch it continues, so that its means are those of a run without a pause.</summary>
    public EpochSums Unfinished { get; }

    /// <summary>Opens the log and forgets the lines of steps from <paramref name="step"/> on, which a resumed run will write again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Step that comes next, over the whole run.</param>
    /// <param name="epoch">Epoch of that step.</param>
    public static TrainingLog Open(string path, long step, int epoch)
    {
        List<string> kept = [];
        EpochSums unfinished = default;
        if (step > 0 && File.Exists(path))
        {
            foreach (string text in File.ReadLines(path))
            {
                if (Read(text) is not { } line || line.Step >= step)
                    break;
                kept.Add(text);
                if (line.Type == StepType && line.Epoch == epoch)
                    unfinished = unfinished.With(line.Loss, line.TeacherEntropy);
            }
        }

        AtomicFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (string text in kept)
                writer.WriteLine(text);
        });
        return new TrainingLog(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read), unfinished);
    }

    public void Write(long step, StepReport report, double imagesPerSecond)
    {
        DinoSettings s = report.Settings;
        StepLine line = new(StepType, step, s.Epoch, report.Loss, report.TeacherEntropy, report.Divergence, s.LearningRate, s.WeightDecay, s.Momentum, s.TeacherTemperature, imagesPerSecond);
        Write(JsonSerializer.SerializeToUtf8Bytes(line, SslJson.Default.StepLine));
    }

    public void Write(EpochLine line) => Write(JsonSerializer.SerializeToUtf8Bytes(line, SslJson.Default.EpochLine));

    public void Dispose() => _stream.Dispose();

    private void Write(byte[] line)
    {
        _stream.Write(line);
        _stream.Write("\n"u8);
        _stream.Flush();
    }

    /// <summary>What steps and epochs have in common, or null for a line cut off by a kill: it and what follows is written again.</summary>
    private static StepLine? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, SslJson.Default.StepLine);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
