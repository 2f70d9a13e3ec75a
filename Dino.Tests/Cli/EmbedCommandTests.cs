using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Cli;

/// <summary><c>dino embed</c> of a folder, and <c>dino index</c> where it does the same: chosen features, and calls that go on where others stopped.</summary>
public sealed partial class EmbedCommandTests : IDisposable
{
    private readonly TinyCommand _files = new();

    private readonly string _weights;

    public EmbedCommandTests()
    {
        _weights = _files.Path("weights.safetensors");
        using DinoNetwork network = new(new VisionTransformerOptions { ImageSize = 16, PatchSize = 8, Width = 16, Depth = 3, Heads = 2 }, new() { Prototypes = 16, Hidden = 16, Bottleneck = 8 });
        network.Store.Allocate(CpuDevice.Shared, seed: 5);
        ModelFile.Save(_weights, network, new() { GlobalSize = 16, LocalSize = 8 }, "teacher");
    }

    [Theory]
    [InlineData("--feature cls", 16)]
    [InlineData("--feature cls+mean", 32)]
    [InlineData("--feature blocks --blocks 2", 32)]
    [InlineData("--feature blocks --blocks 3 --raw", 48)]
    public void Features_are_chosen(string options, int width)
    {
        JsonElement json = Embed("features.npy", options.Split(' ')).Json;
        Assert.Equal((10, width), (json.GetProperty("count").GetInt32(), json.GetProperty("width").GetInt32()));
        Assert.Equal([10, width], NpyArray.Load(_files.Path("features.npy")).Shape);
    }

    [Theory]
    [InlineData("--feature patches", "There is no feature 'patches'. Use --feature cls, cls+mean or blocks.")]
    [InlineData("--blocks 2", "--blocks is for --feature blocks.")]
    [InlineData("--crop 7", "--crop 7 is smaller than one patch of 8 pixels.")]
    [InlineData("--feature blocks", "The network has 3 blocks: features of the last 4 cannot be taken. Use 1 to 3.")]
    public void Features_that_there_are_not_end_with_2(string options, string message)
    {
        DinoResult result = Call("never.npy", options.Split(' ')).Expect(2);
        Assert.Equal($"error: {message}", result.Errors.TrimEnd());
        Assert.Empty(Directory.EnumerateFiles(_files.Path(), "never*"));
    }

    [Fact]
    public void A_crop_that_ends_within_a_patch_is_told()
    {
        Assert.Equal("--crop 20 is no multiple of the 8 pixels of a patch: 16 of them are seen. Use 16 or 24 for whole patches.", Embed("cut.npy", "--crop", "20").Errors.TrimEnd());
        Assert.Empty(Embed("whole-patches.npy", "--crop", "24").Errors);
        string anew = Embed("whole-patches.npy", "--crop", "32").Errors;
        Assert.Contains("what differs: the preprocessing (short side to 27, bicubic; crop 24, now short side to 36, bicubic; crop 32)", anew, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_that_is_left_out_is_named_as_the_folder_was()
    {
        string folder = Directory.CreateDirectory(_files.Path("mixed")).FullName, good = Directory.EnumerateFiles(_files.TestData, "*.png", SearchOption.AllDirectories).First();
        File.Copy(good, Path.Combine(folder, "good.png"));
        File.WriteAllBytes(Path.Combine(folder, "moving.png"), "GIF89a..........."u8.ToArray());
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, folder);
        DinoResult result = DinoProcess.Run("embed", "--weights", _weights, "--input", relative, "--output", _files.Path("mixed.npy")).Expect(0);
        Assert.Equal($"left out {Path.Combine(relative, "moving.png")}: GIF is not supported by the built-in decoders (JPEG, PNG). Convert it to one of them; an application may register a decoder of its own.", result.Errors.TrimEnd());
    }

    [Fact]
    public void A_repeated_call_says_what_it_found()
    {
        Assert.Equal(10, Embed("features.npy").Json.GetProperty("computed").GetInt32());
        DinoResult again = Embed("features.npy");
        Assert.Equal(0, again.Json.GetProperty("computed").GetInt32());
        Assert.Equal("the features of all 10 pictures are there already", again.Errors.TrimEnd());
        DinoResult other = Embed("features.npy", "--raw");
        Assert.Equal(10, other.Json.GetProperty("computed").GetInt32());
        Assert.Contains("is computed anew; what differs: the normalisation (L2, now none)", other.Errors, StringComparison.Ordinal);
        DinoResult restarted = Embed("features.npy", "--raw", "--restart");
        Assert.Equal(10, restarted.Json.GetProperty("computed").GetInt32());
        Assert.Empty(restarted.Errors);
    }

    [SignalFact]
    public void Control_C_keeps_what_was_computed_and_the_same_call_goes_on() => StopAndGoOn("embed", ".npy");

    [SignalFact]
    public void Control_C_keeps_what_was_computed_of_an_index_too() => StopAndGoOn("index", ".safetensors");

    [Fact]
    public void The_feature_of_one_picture_has_no_description_of_a_folder_beside_it()
    {
        string picture = Directory.GetFiles(_files.TestData, "*", SearchOption.AllDirectories)[0], description = _files.Path("features.npy.json");
        Embed("features.npy");
        Assert.True(File.Exists(description));
        foreach (string? other in (string?[])[null, """{"mine": 1}"""])
        {
            if (other is not null)
                File.WriteAllText(description, other);
            DinoProcess.Run("embed", "--weights", _weights, "--input", picture, "--output", _files.Path("features.npy")).Expect(0);
            Assert.Equal(other, File.Exists(description) ? File.ReadAllText(description) : null);
            Assert.Equal([picture], File.ReadAllLines(_files.Path("features.txt")));
        }
    }

    public void Dispose() => _files.Dispose();

    private void StopAndGoOn(string command, string ending)
    {
        // The sixth picture is of no use, and holds the run for as long as it is a pipe. Three are computed when it is read: no more batches are prepared ahead.
        string output = _files.Path($"features{ending}"), whole = _files.Path($"whole{ending}"), sixth = ImageFolder.Open(_files.TestData).Samples[5].Path;
        string[] options = ["--batch-size", "1", "--threads", "1"];
        File.WriteAllBytes(sixth, []);
        Assert.Equal(9, DinoProcess.Run(Arguments(command, whole, options)).Expect(0).Json.GetProperty("computed").GetInt32());
        int count;
        using (HeldPicture held = new(sixth))
        using (DinoProcess process = DinoProcess.Start(Arguments(command, output, options)))
        {
            held.WaitUntilAsked(process);
            process.Interrupt();
            process.WaitToSay("stopping after this step");
            held.Give();
            DinoResult stopped = process.Wait().Expect(0);
            Match kept = KeptFeatures().Match(stopped.Errors);
            Assert.True(kept.Success, stopped.Errors);
            count = int.Parse(kept.Groups["kept"].Value, CultureInfo.InvariantCulture);
            Assert.InRange(count, 3, 5);
            Assert.False(stopped.Json.GetProperty("completed").GetBoolean());
            Assert.Equal((count, count), (stopped.Json.GetProperty("count").GetInt32(), stopped.Json.GetProperty("computed").GetInt32()));
        }

        Assert.False(File.Exists(output));
        Assert.Contains("--restart", DinoProcess.Run(Arguments(command, output, "--crop", "24")).Expect(2).Errors, StringComparison.Ordinal);

        DinoResult resumed = DinoProcess.Run(Arguments(command, output, options)).Expect(0);
        Assert.True(resumed.Json.GetProperty("completed").GetBoolean());
        Assert.Equal(9 - count, resumed.Json.GetProperty("computed").GetInt32());
        Assert.Contains($"{count} of 10 features are there already", resumed.Errors, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(output));
    }

    private string[] Arguments(string command, string output, params string[] more) => [command, "--weights", _weights, "--input", _files.TestData, "--output", output, "--json", .. more];

    private DinoResult Call(string output, params string[] more) => DinoProcess.Run(Arguments("embed", _files.Path(output), more));

    private DinoResult Embed(string output, params string[] more) => Call(output, more).Expect(0);

    [GeneratedRegex("^(?<kept>\\d+) of 10 features are kept; the same call goes on from there", RegexOptions.Multiline)]
    private static partial Regex KeptFeatures();
}
