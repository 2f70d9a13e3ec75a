using System.Text.Json;
using Dino.Ssl.Data;

namespace Dino.Tests.Cli;

/// <summary><c>dino linear</c> and <c>dino classify</c>, from weights and pictures to named classes.</summary>
public sealed class LinearCommandTests(TrainedNetwork network) : IClassFixture<TrainedNetwork>
{
    private TinyCommand Files => network.Files;

    [Fact]
    public void A_classifier_is_trained_measured_saved_and_used()
    {
        string classifier = Files.Path("new", "one.safetensors");
        DinoResult result = Linear("--output", classifier, "--epochs", "3", "--blocks", "1", "--avgpool", "--lr", "0.1", "--json").Expect(0);
        JsonElement json = result.Json;
        Assert.True(json.GetProperty("completed").GetBoolean());
        // 20 pictures in batches of 8, for three epochs.
        Assert.Equal((9, 9, 10, 20, 10, 0), (Int("steps"), Int("total_steps"), Int("classes"), Int("train"), Int("test"), Int("skipped")));
        Assert.Equal("augmented", json.GetProperty("protocol").GetString());
        JsonElement head = Assert.Single(json.GetProperty("classifiers").EnumerateArray());
        Assert.Equal((1, true, 0.1), (head.GetProperty("blocks").GetInt32(), head.GetProperty("avgpool").GetBoolean(), head.GetProperty("lr").GetDouble()));
        Assert.InRange(json.GetProperty("top1").GetDouble(), 0, json.GetProperty("peak_top1").GetDouble());
        Assert.Equal("weights", json.GetProperty("features").GetProperty("kind").GetString());
        Assert.Contains("made the folder", result.Errors, StringComparison.Ordinal);
        Assert.Equal(3, result.Errors.Split('\n').Count(line => line.Contains("top-1", StringComparison.Ordinal)));

        JsonElement said = DinoProcess.Run("classify", "--classifier", classifier, "--weights", network.Weights, "--input", Files.TestData, "--top", "3", "--json").Expect(0).Json;
        JsonElement[] pictures = [.. said.GetProperty("pictures").EnumerateArray()];
        Assert.Equal((10, 0), (pictures.Length, said.GetProperty("skipped").GetInt32()));
        Assert.All(pictures, picture => Assert.Equal(3, picture.GetProperty("classes").GetArrayLength()));
        int right = pictures.Count(picture => picture.GetProperty("path").GetString()!.Contains($"{Path.DirectorySeparatorChar}{picture.GetProperty("classes")[0].GetProperty("name").GetString()}{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
        Assert.Equal(json.GetProperty("top1").GetDouble(), 10.0 * right);

        string one = pictures[4].GetProperty("path").GetString()!, best = pictures[4].GetProperty("classes")[0].GetProperty("name").GetString()!;
        Assert.StartsWith($"{one}: {best} ", DinoProcess.Run("classify", "--classifier", classifier, "--weights", network.Weights, "--input", one).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains("other weights", DinoProcess.Run("classify", "--classifier", classifier, "--weights", Files.Path("run", "student.safetensors"), "--input", one).Expect(2).Errors, StringComparison.Ordinal);

        int Int(string name) => json.GetProperty(name).GetInt32();
    }

    [Fact]
    public void A_sweep_prints_its_table_and_keeps_the_best()
    {
        string output = Linear("--output", Files.Path("swept.safetensors"), "--sweep", "--cached", "--epochs", "2").Expect(0).Output;
        string[] rows = [.. output.Split('\n').Where(line => line.Contains(" yes ", StringComparison.Ordinal) || line.Contains(" no ", StringComparison.Ordinal))];
        Assert.Equal(52, rows.Length);
        Assert.Single(rows, row => row.StartsWith('*'));
        Assert.Contains("not the official protocol", output, StringComparison.Ordinal);
        Assert.Contains("(peak top-1 ", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Files.Path("swept.safetensors")));
    }

    [SignalFact]
    public void Control_C_leaves_what_resume_needs_and_the_end_is_the_same()
    {
        // Ten steps an epoch. The last picture of the first one holds the run: it is read in the ninth step at the earliest, and the sixth has been done by then.
        string[] settings = ["--epochs", "3", "--batch-size", "2", "--lr", "0.1", "--threads", "1", "--json"];
        JsonElement whole = Linear(["--output", Files.Path("whole.safetensors"), .. settings]).Expect(0).Json;
        string output = Files.Path("parts.safetensors");
        ImageFolder pictures = ImageFolder.Open(Files.TrainData);
        using (HeldPicture held = new(pictures.Samples[new EpochOrder(pictures.Count, seed: 0, shuffle: true).Of(0)[^1]].Path))
        using (DinoProcess process = DinoProcess.Start(Call(["--output", output, .. settings])))
        {
            held.WaitUntilAsked(process);
            process.Interrupt();
            process.WaitToSay("stopping after this step");
            held.Give();
            DinoResult stopped = process.Wait().Expect(0);
            Assert.False(stopped.Json.GetProperty("completed").GetBoolean());
            Assert.InRange(stopped.Json.GetProperty("steps").GetInt32(), 6, 10);
            Assert.Contains("continue with --resume", stopped.Errors, StringComparison.Ordinal);
        }

        Assert.Contains("--resume", Linear(["--output", output, .. settings]).Expect(2).Errors, StringComparison.Ordinal);
        Assert.Contains("seed was 0, now 1", Linear(["--output", output, "--resume", "--seed", "1", .. settings]).Expect(1).Errors, StringComparison.Ordinal);
        DinoResult resumed = Linear(["--output", output, "--resume", .. settings]).Expect(0);
        Assert.Contains("resuming at step ", resumed.Errors, StringComparison.Ordinal);
        Assert.Equal(whole.GetProperty("classifiers").GetRawText(), resumed.Json.GetProperty("classifiers").GetRawText());
        Assert.Equal(File.ReadAllBytes(Files.Path("whole.safetensors")), File.ReadAllBytes(output));
    }

    [Theory]
    [InlineData(2, "--blocks 9", "--blocks 9: the network has 2.")]
    [InlineData(2, "--sweep --lr 1", "--sweep tries learning rates")]
    [InlineData(2, "--epochs 0", "--epochs 1 or more")]
    [InlineData(2, "--lr -1", "--lr")]
    public void Wrong_calls_say_what_to_mend(int code, string options, string message)
    {
        string output = Files.Path("none", "none.safetensors");
        Assert.Contains(message, Linear(["--output", output, .. options.Split(' ')]).Expect(code).Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Files.Path("none")));
    }

    [Fact]
    public void Folders_without_classes_are_refused()
    {
        string folder = Path.Combine(Files.TestData, Path.GetFileName(Directory.GetDirectories(Files.TestData)[0]));
        Assert.Contains("one sub-folder per class", DinoProcess.Run("linear", "--weights", network.Weights, "--train", Files.TrainData, "--test", folder, "--output", Files.Path("none.safetensors")).Expect(2).Errors, StringComparison.Ordinal);
    }

    private string[] Call(params string[] more) => ["linear", "--weights", network.Weights, "--train", Files.TrainData, "--test", Files.TestData, .. more.Contains("--batch-size") ? more : ["--batch-size", "8", .. more]];

    private DinoResult Linear(params string[] more) => DinoProcess.Run(Call(more));
}
