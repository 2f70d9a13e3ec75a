using System.Globalization;
using System.Text.Json;
using Dino.Imaging;
using Dino.Tensors.Formats;

namespace Dino.Tests.Cli;

/// <summary>A trained network and its pictures, for every command that uses one.</summary>
public sealed class TrainedNetwork : IDisposable
{
    public TrainedNetwork() => DinoProcess.Run(Files.Train("run", 2)).Expect(0);

    public TinyCommand Files { get; } = new();

    public string Weights => Files.Path("run", "teacher.safetensors");

    public void Dispose() => Files.Dispose();
}

/// <summary>What a trained network is used for: accuracy, attention, features.</summary>
public sealed class EvaluationCommandTests(TrainedNetwork network) : IClassFixture<TrainedNetwork>
{
    private TinyCommand Files => network.Files;

    [Fact]
    public void Knn_of_a_trained_network_prints_accuracies_and_counts()
    {
        JsonElement json = Knn("--weights", network.Weights);
        Assert.Equal((18, 20, 10), (json.GetProperty("k").GetInt32(), json.GetProperty("train").GetInt32(), json.GetProperty("test").GetInt32()));
        AssertAccuracies(json);
    }

    [Fact]
    public void Knn_of_several_k_gives_the_accuracy_of_each()
    {
        string[] call = ["knn", "--weights", network.Weights, "--train", Files.TrainData, "--test", Files.TestData, "--json"];
        DinoResult result = DinoProcess.Run([.. call, "--k", "3,18, 100"]).Expect(0);
        JsonElement several = result.Json;
        Assert.Equal("--k 100 is more than the 20 training pictures: all of them vote", result.Errors.TrimEnd());
        Assert.Equal([3, 18, 20], several.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("k").GetInt32()));
        Assert.Equal(Knn("--weights", network.Weights).GetProperty("results")[0].GetRawText(), several.GetProperty("results")[1].GetRawText());
        Assert.Equal(3, several.GetProperty("k").GetInt32());
        Assert.Contains("10,20,100,200", DinoProcess.Run([.. call, "--k", "3,0"]).Expect(2).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Knn_of_a_checkpoint_is_that_of_its_teacher() =>
        Assert.Equal(Knn("--weights", network.Weights).GetRawText(), Knn("--weights", Files.Path("run", "checkpoint.safetensors")).GetRawText());

    [Fact]
    public void Knn_of_an_untrained_network_needs_no_weights_and_depends_on_its_seed_alone()
    {
        string[] described = ["--untrained", "--embed-dim", "16", "--depth", "2", "--heads", "2", "--patch-size", "8", "--crop", "16"];
        AssertAccuracies(Knn(described));
        Assert.Equal(Knn([.. described, "--seed", "3"]).GetRawText(), Knn([.. described, "--seed", "3", "--threads", "1"]).GetRawText());
        AssertAccuracies(Knn("--untrained", "--weights", network.Weights));
    }

    [Theory]
    [InlineData("--weights", """{"kind":"weights","network":{"kind":"vit","arch":null,"embed_dim":16,"depth":2,"heads":2,"patch_size":8},"precision":"fp32","seed":null,"resize":18,"crop":16}""")]
    [InlineData("--untrained --seed 3 --resize 32 --precision bf16 --weights", """{"kind":"untrained","network":{"kind":"vit","arch":null,"embed_dim":16,"depth":2,"heads":2,"patch_size":8},"precision":"bf16","seed":3,"resize":32,"crop":16}""")]
    [InlineData("--pixels --crop 24 --weights", """{"kind":"pixels","network":null,"precision":null,"seed":null,"resize":27,"crop":24}""")]
    public void Knn_says_of_which_features_it_is(string how, string features) =>
        Assert.Equal(features, Knn([.. how.Split(' '), network.Weights]).GetProperty("features").GetRawText());

    [Theory]
    [InlineData("--weights {0} --k 20", "")]
    [InlineData("--weights {0} --pixels", "--pixels does not use the weights, only what they say of pictures: short side to 18, bicubic; crop 16")]
    [InlineData("--pixels", "")]
    public void Knn_says_what_it_does_not_use(string how, string said) => Assert.Equal(said, DinoProcess.Run(
        ["knn", "--train", Files.TrainData, "--test", Files.TestData, .. how.Split(' ').Select(word => word.Replace("{0}", network.Weights, StringComparison.Ordinal))]).Expect(0).Errors.TrimEnd());

    [Fact]
    public void A_temperature_is_positive() => Assert.Equal(
        "error: --temperature must be positive, not 0.",
        DinoProcess.Run("knn", "--weights", network.Weights, "--train", Files.TrainData, "--test", Files.TestData, "--temperature", "0").Expect(2).Errors.TrimEnd());

    [Fact]
    public void Knn_of_pixels_needs_no_network()
    {
        JsonElement json = Knn("--pixels", "--crop", "16", "--resize", "16");
        AssertAccuracies(json);
        // Twice the same pictures: every query finds itself.
        DinoResult same = DinoProcess.Run("knn", "--pixels", "--crop", "16", "--k", "1", "--train", Files.TestData, "--test", Files.TestData, "--json").Expect(0);
        Assert.Equal((100, 100), (same.Json.GetProperty("top1").GetDouble(), same.Json.GetProperty("top5").GetDouble()));
    }

    [Fact]
    public void Knn_without_json_prints_a_sentence_and_which_features_they_were()
    {
        string[] call = ["knn", "--weights", network.Weights, "--train", Files.TrainData, "--test", Files.TestData];
        string[] lines = DinoProcess.Run(call).Expect(0).Output.Split('\n');
        Assert.Matches(@"^top-1 \d+\.\d\d %, top-5 \d+\.\d\d %", lines[0]);
        Assert.Equal("features: ViT (16 wide, 2 blocks, 2 heads), patch 8, fp32, weights of the file; pictures resized to 18 and cropped to 16", lines[1].TrimEnd());
        Assert.Contains("untrained, first weights of seed 0; pictures", DinoProcess.Run([.. call, "--untrained"]).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains("features: raw pixels; pictures", DinoProcess.Run([.. call, "--pixels"]).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Knn_asks_for_a_network_or_pixels() =>
        Assert.Contains("--untrained", DinoProcess.Run("knn", "--train", Files.TrainData, "--test", Files.TestData).Expect(2).Errors, StringComparison.Ordinal);

    [Fact]
    public void Weights_of_another_architecture_end_with_1_and_name_keys()
    {
        DinoResult result = DinoProcess.Run("knn", "--weights", network.Weights, "--depth", "3", "--train", Files.TrainData, "--test", Files.TestData).Expect(1);
        Assert.Contains("blocks.2.attn.qkv.weight", result.Errors, StringComparison.Ordinal);
    }

    /// <summary>Which option, what was looked for or found, and what to give instead.</summary>
    [Theory]
    [InlineData("none.safetensors", "--weights: there is no file '{0}' (looked for {0}). Give the .safetensors or .pth file of a network")]
    [InlineData("", "--weights: The folder '{0}' holds no weights under a name that is looked for: teacher.safetensors, model.safetensors,")]
    [InlineData("dino.pth", "--weights: {0}: the directory at the end of the zip archive is missing: the file is cut short")]
    [InlineData("page.safetensors", "--weights: {0} holds no tensors: it is a web page, which a download gave in place of the file.")]
    [InlineData("notes.txt", "--weights: {0} holds no tensors: it is neither a safetensors file, ")]
    public void Wrong_weights_end_with_1_and_what_to_give_instead(string name, string message)
    {
        File.WriteAllBytes(Files.Path("dino.pth"), [.. "PK\x03\x04"u8, 0, 0, 8, 8, .. new byte[100]]);
        File.WriteAllText(Files.Path("page.safetensors"), "<!DOCTYPE html><title>Sign in</title>");
        File.WriteAllText(Files.Path("notes.txt"), "these are no weights");
        string weights = Files.Path(name);
        foreach (string[] call in (string[][])[["knn", "--train", Files.TrainData, "--test", Files.TestData], ["embed", "--input", Files.TestData, "--output", Files.Path("none.npy")]])
        {
            DinoResult result = DinoProcess.Run([.. call, "--weights", weights]).Expect(1);
            Assert.StartsWith("error: " + string.Format(CultureInfo.InvariantCulture, message, weights), result.Errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("attention", "--image", "Give one PNG or JPEG picture.")]
    [InlineData("embed", "--input", "Give a PNG or JPEG picture, or a folder of them.")]
    public void A_missing_picture_ends_with_1_and_names_the_option(string command, string option, string mend)
    {
        string missing = Files.Path("none.png"), output = Files.Path(command == "embed" ? "none.npy" : "attention-none.png");
        DinoResult result = DinoProcess.Run(command, "--weights", network.Weights, option, missing, "--output", output).Expect(1);
        Assert.Equal($"error: {option}: there is no file '{missing}' (looked for {missing}). {mend}", result.Errors.TrimEnd());
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void Attention_writes_a_picture_that_decodes()
    {
        string image = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First(), sheet = Files.Path("attention.png");
        JsonElement json = DinoProcess.Run("attention", "--weights", network.Weights, "--image", image, "--output", sheet, "--image-size", "48", "--threshold", "0.5", "--json").Expect(0).Json;
        Assert.Equal((2, 6, 6), (json.GetProperty("heads").GetInt32(), json.GetProperty("rows").GetInt32(), json.GetProperty("columns").GetInt32()));
        Image picture = ImageFile.Decode(sheet);
        // Two columns and three rows of pictures of at least 48 pixels.
        Assert.True(picture.Width >= 2 * 48 && picture.Height >= 3 * 48, $"{picture.Width} x {picture.Height}");
        Assert.True(picture.Pixels.Distinct().Count() > 16);
    }

    [Fact]
    public void Features_are_the_same_in_both_formats_one_unit_row_a_picture()
    {
        Assert.Equal(10, Embed("features.npy", Files.TestData).GetProperty("count").GetInt32());
        Embed("features.safetensors", Files.TestData);
        NpyArray npy = NpyArray.Load(Files.Path("features.npy"));
        using SafetensorsFile file = SafetensorsFile.Open(Files.Path("features.safetensors"));
        Assert.Equal([10, 16], npy.Shape);
        Assert.Equal([10L, 16L], file.Entry("features").Shape);
        float[] values = npy.ToSingles();
        Assert.Equal(values, file.ReadSingles("features"));
        for (int row = 0; row < 10; row++)
            Assert.Equal(1, values.AsSpan(16 * row, 16).ToArray().Sum(value => (double)value * value), 1e-5);
        string[] names = File.ReadAllLines(Files.Path("features.txt"));
        Assert.Equal(Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal), names);
    }

    [Fact]
    public void A_single_picture_has_the_features_it_has_in_its_folder()
    {
        Embed("all.npy", Files.TestData, "--raw");
        string[] names = File.ReadAllLines(Files.Path("all.txt"));
        Embed("one.npy", names[3], "--raw");
        float[] all = NpyArray.Load(Files.Path("all.npy")).ToSingles(), one = NpyArray.Load(Files.Path("one.npy")).ToSingles();
        for (int i = 0; i < 16; i++)
            // A batch of another size may be summed in another order: 1e-5 on values of order 1.
            Assert.Equal(all[(3 * 16) + i], one[i], 1e-5f);
    }

    [Theory]
    [InlineData("bf16", 0.9999)]
    [InlineData("int8", 0.999)]
    public void Features_keep_their_direction_at_lower_precision(string precision, double cosine)
    {
        Embed("fp32.npy", Files.TestData);
        Embed($"{precision}.npy", Files.TestData, "--precision", precision);
        float[] plain = NpyArray.Load(Files.Path("fp32.npy")).ToSingles(), packed = NpyArray.Load(Files.Path($"{precision}.npy")).ToSingles();
        Assert.NotEqual(plain, packed);
        for (int row = 0; row < 10; row++)
            Assert.InRange(Enumerable.Range(16 * row, 16).Sum(i => (double)plain[i] * packed[i]), cosine, 1.0001);
    }

    [Fact]
    public void Unusable_pictures_have_no_row_and_are_named()
    {
        string folder = Files.Path("mixed");
        Directory.CreateDirectory(folder);
        foreach ((int i, string file) in Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).Index())
            File.Copy(file, Path.Combine(folder, $"{i}.png"));
        string bad = Path.Combine(folder, "5.png");
        File.WriteAllBytes(bad, []);
        DinoResult result = DinoProcess.Run("embed", "--weights", network.Weights, "--input", folder, "--output", Files.Path("mixed.npy"), "--json").Expect(0);
        Assert.Equal((9, 1), (result.Json.GetProperty("count").GetInt32(), result.Json.GetProperty("skipped").GetInt32()));
        Assert.StartsWith($"left out {bad}: ", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(bad, File.ReadAllLines(Files.Path("mixed.txt")));
        Assert.Equal([9, 16], NpyArray.Load(Files.Path("mixed.npy")).Shape);
    }

    [Theory]
    [InlineData("attention", "--image", "--image-size", "big.png")]
    [InlineData("embed", "--input", "--crop", "big.npy")]
    public void A_size_beyond_all_measure_ends_with_2_and_names_the_option(string command, string input, string option, string output)
    {
        string image = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First();
        DinoResult result = DinoProcess.Run(command, "--weights", network.Weights, input, image, "--output", Files.Path("new-folder", output), option, "20000").Expect(2);
        Assert.Contains(option, result.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Files.Path("new-folder")));
    }

    [Theory]
    [InlineData("attention", "--image", "one.png")]
    [InlineData("embed", "--input", "one.npy")]
    public void A_folder_that_is_made_for_the_output_is_named_once(string command, string input, string output)
    {
        string image = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First(), folder = Files.Path($"made-by-{command}", "deeper");
        string[] call = [command, "--weights", network.Weights, input, image, "--output", Path.Combine(folder, output), "--json"];
        // On the error stream: the output stays one object.
        DinoResult first = DinoProcess.Run(call).Expect(0), second = DinoProcess.Run(call).Expect(0);
        Assert.Equal($"made the folder {folder}", first.Errors.TrimEnd());
        Assert.Empty(second.Errors);
        Assert.Equal(first.Json.GetRawText(), second.Json.GetRawText());
        Assert.True(File.Exists(Path.Combine(folder, output)));
    }

    [Fact]
    public void An_output_that_is_a_folder_ends_with_2()
    {
        Directory.CreateDirectory(Files.Path("folder.npy"));
        DinoResult result = DinoProcess.Run("embed", "--weights", network.Weights, "--input", Files.TestData, "--output", Files.Path("folder.npy")).Expect(2);
        Assert.Equal($"error: --output '{Files.Path("folder.npy")}' is a folder. Name a file.", result.Errors.TrimEnd());
    }

    [Theory]
    [InlineData("attention", "--image", "none.png", "new.png")]
    [InlineData("embed", "--input", "none.png", "new.npy")]
    public void A_call_that_fails_makes_no_folder(string command, string input, string missing, string output)
    {
        DinoProcess.Run(command, "--weights", network.Weights, input, Files.Path(missing), "--output", Files.Path("never-made", output)).Expect(1);
        Assert.False(Directory.Exists(Files.Path("never-made")));
    }

    private JsonElement Knn(params string[] how) => DinoProcess.Run(["knn", .. how, "--train", Files.TrainData, "--test", Files.TestData, "--k", "18", "--json"]).Expect(0).Json;

    private JsonElement Embed(string output, string input, params string[] more) =>
        DinoProcess.Run(["embed", "--weights", network.Weights, "--input", input, "--output", Files.Path(output), "--json", .. more]).Expect(0).Json;

    private static void AssertAccuracies(JsonElement json)
    {
        Assert.InRange(json.GetProperty("top1").GetDouble(), 0, 100);
        Assert.InRange(json.GetProperty("top5").GetDouble(), json.GetProperty("top1").GetDouble(), 100);
    }
}
