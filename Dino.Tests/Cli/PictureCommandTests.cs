using System.Text.Json;
using System.Xml.Linq;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Demo;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Cli;

/// <summary>The commands that draw what features say: components, planes of pictures, matches, attention of any block.</summary>
public sealed class PictureCommandTests(TrainedNetwork network) : IClassFixture<TrainedNetwork>
{
    private TinyCommand Files => network.Files;

    [Fact]
    public void Components_of_several_pictures_make_one_sheet()
    {
        string[] pictures = [.. Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(2)];
        string sheet = Files.Path("pca.png");
        JsonElement json = Run("pca", "--image", pictures[0], pictures[1], "--output", sheet, "--image-size", "48", "--foreground", "--components", "2", "--smooth", "--json").Json;
        Assert.Equal((2, 72), (json.GetProperty("pictures").GetInt32(), json.GetProperty("patches").GetInt32()));
        Assert.InRange(json.GetProperty("foreground").GetInt32(), 4, 71);
        double[] explained = [.. json.GetProperty("explained").EnumerateArray().Select(share => share.GetDouble())];
        Assert.Equal(3, explained.Length);
        Assert.Equal(explained.OrderDescending(), explained);
        Assert.InRange(explained.Sum(), 0, 1);
        // Input, colours, foreground and two maps beside each other, 480 wide; one picture below the other.
        Image image = ImageFile.Decode(sheet);
        Assert.True(image.Width >= 5 * 480 && image.Height >= 2 * 480, $"{image.Width} x {image.Height}");
        Assert.True(image.Pixels.Distinct().Count() > 64);
    }

    [Fact]
    public void Components_of_a_folder_are_those_of_some_of_it_whatever_the_threads()
    {
        string[] call = ["pca", "--input", Files.TestData, "--limit", "3", "--image-size", "32", "--json", "--output"];
        DinoResult first = Run([.. call, Files.Path("pca-1.png"), "--threads", "1"]);
        Assert.Equal((3, 48), (first.Json.GetProperty("pictures").GetInt32(), first.Json.GetProperty("patches").GetInt32()));
        Assert.Equal(JsonValueKind.Null, first.Json.GetProperty("foreground").ValueKind);
        Run([.. call, Files.Path("pca-2.png"), "--threads", "2"]);
        Assert.Equal(File.ReadAllBytes(Files.Path("pca-1.png")), File.ReadAllBytes(Files.Path("pca-2.png")));
    }

    [Theory]
    [InlineData("pca", "Give either --image with pictures or --input with a folder of them.")]
    [InlineData("pca --input {0} --image {1}", "Give either --image with pictures or --input with a folder of them.")]
    [InlineData("pca --image {1} --invert", "--threshold and --invert choose the foreground: give --foreground as well.")]
    [InlineData("pca --image {1} --foreground --threshold 1", "--threshold must lie in [0, 1), not 1.")]
    [InlineData("pca --image {1} --image-size 8", "1 patch has no components to colour. Enlarge the picture, or use a network with smaller patches.")]
    [InlineData("pca --image {1} --image-size 7", "--image-size 7 is smaller than one patch of 8 pixels.")]
    [InlineData("tsne --input {0} --perplexity 30", "A perplexity of 30 is too large for 10 points: it must be at most 3. Lower it, or take more pictures.")]
    [InlineData("tsne --input {0} --perplexity 0.5", "--perplexity must be at least 1, not 0.5.")]
    [InlineData("umap --input {0} --neighbours 15", "15 neighbours are too many for 10 points: there must be at most 10. Lower them, or take more pictures.")]
    [InlineData("umap --input {0} --min-dist 3", "--min-dist must lie in [0, 1], not 3.")]
    [InlineData("match --image {1} --with {1} --top 0", "--top must be 1 to 10000, not 0.")]
    [InlineData("attention --image {1} --block 2", "--block must be 0 to 1 with this network, not 2.")]
    public void A_wrong_call_ends_with_2_and_says_what_to_change(string call, string message)
    {
        string picture = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First();
        string[] arguments = [.. call.Split(' ').Select(word => word.Replace("{0}", Files.TestData, StringComparison.Ordinal).Replace("{1}", picture, StringComparison.Ordinal))];
        DinoResult result = DinoProcess.Run([.. arguments, "--weights", network.Weights, "--output", Files.Path("never.png")]).Expect(2);
        Assert.Equal($"error: {message}", result.Errors.TrimEnd());
        Assert.False(File.Exists(Files.Path("never.png")));
    }

    [Theory]
    [InlineData("tsne")]
    [InlineData("umap")]
    public void Defaults_give_way_to_a_small_folder(string command) =>
        Assert.Equal(10, Run(command, "--input", Files.TestData, "--json", "--output", Files.Path($"{command}-small.png")).Json.GetProperty("count").GetInt32());

    [Fact]
    public void A_damaged_picture_of_a_folder_is_left_out_of_its_components()
    {
        string folder = Directory.CreateDirectory(Files.Path("mixed")).FullName;
        File.Copy(Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First(), Path.Combine(folder, "good.png"));
        File.WriteAllText(Path.Combine(folder, "bad.png"), "bad");
        DinoResult result = Run("pca", "--input", folder, "--image-size", "32", "--json", "--output", Files.Path("mixed.png"));
        Assert.Equal(1, result.Json.GetProperty("pictures").GetInt32());
        Assert.Contains("left out", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Thumbnails_need_a_picture_to_be_drawn_into() => Assert.Equal(
        "error: --thumbnails draws a .png: change --output.",
        DinoProcess.Run("tsne", "--weights", network.Weights, "--input", Files.TestData, "--output", Files.Path("t.svg"), "--thumbnails").Expect(2).Errors.TrimEnd());

    [Theory]
    [InlineData("tsne", "--perplexity 3 --iterations 60", 60)]
    [InlineData("umap", "--neighbours 5 --epochs 40", 40)]
    public void A_folder_becomes_a_plane_of_points_or_of_pictures(string command, string how, int steps)
    {
        string[] call = [command, "--weights", network.Weights, "--input", Files.TrainData, .. how.Split(' '), "--json", "--output"];
        string svg = Files.Path($"{command}.svg");
        JsonElement json = DinoProcess.Run([.. call, svg]).Expect(0).Json;
        Assert.Equal((20, 16, 0), (json.GetProperty("count").GetInt32(), json.GetProperty("width").GetInt32(), json.GetProperty("skipped").GetInt32()));
        Assert.Equal((steps, 20), (json.GetProperty("iterations").GetInt32(), json.GetProperty("shown").GetInt32()));
        Assert.Equal(command == "tsne" ? JsonValueKind.Number : JsonValueKind.Null, json.GetProperty("divergence").ValueKind);
        XElement plot = XElement.Load(svg);
        Assert.Equal(20, plot.Descendants(XName.Get("title", "http://www.w3.org/2000/svg")).Count());
        Assert.Contains("rings: ", File.ReadAllText(svg), StringComparison.Ordinal);

        DinoProcess.Run([.. call, Files.Path($"{command}-again.svg"), "--threads", "1"]).Expect(0);
        Assert.Equal(File.ReadAllText(svg), File.ReadAllText(Files.Path($"{command}-again.svg")));
    }

    [Fact]
    public void A_plane_of_pictures_is_drawn_as_points_or_as_the_pictures_themselves()
    {
        string[] call = ["umap", "--input", Files.TrainData, "--neighbours", "5", "--epochs", "20", "--json", "--output"];
        Run([.. call, Files.Path("points.png")]);
        Run([.. call, Files.Path("pictures.png"), "--thumbnails"]);
        Image dots = ImageFile.Decode(Files.Path("points.png")), pictures = ImageFile.Decode(Files.Path("pictures.png"));
        Assert.True(Math.Max(dots.Width, dots.Height) >= 1600);
        Assert.True(pictures.Pixels.Count(value => value != 255) > 2 * dots.Pixels.Count(value => value != 255));
    }

    [Fact]
    public void A_picture_matches_itself_place_by_place()
    {
        string picture = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First();
        JsonElement json = Match(network.Weights, picture, picture, "--top", "12");
        Assert.Equal(36, json.GetProperty("found").GetInt32());
        Assert.Equal(12, json.GetProperty("pairs").GetArrayLength());
        Assert.All(json.GetProperty("pairs").EnumerateArray(), pair => Assert.Equal(pair.GetProperty("image").GetRawText(), pair.GetProperty("with").GetRawText()));
        Assert.All(json.GetProperty("pairs").EnumerateArray(), pair => Assert.Equal(1, pair.GetProperty("similarity").GetDouble(), 1e-5));
    }

    /// <summary>Without positions a network sees the same patches wherever they are: a picture pushed round by whole patches has the same features elsewhere.</summary>
    [Fact]
    public void A_picture_pushed_round_is_found_where_it_went()
    {
        string weights = WithoutPositions();
        Image picture = DrawnPictures.Draw(3, new RandomKey(7), 48), pushed = new(48, 48);
        for (int y = 0; y < 48; y++)
        {
            for (int x = 0; x < 48; x++)
                picture.Row(y).Slice(3 * x, 3).CopyTo(pushed.Row((y + 8) % 48)[(3 * ((x + 16) % 48))..]);
        }

        PngEncoder.Save(picture, Files.Path("picture.png"));
        PngEncoder.Save(pushed, Files.Path("pushed.png"));
        JsonElement json = Match(weights, Files.Path("picture.png"), Files.Path("pushed.png"), "--top", "100");
        Assert.Equal((6, 6), (json.GetProperty("image").GetProperty("rows").GetInt32(), json.GetProperty("with").GetProperty("columns").GetInt32()));
        Assert.Equal(36, json.GetProperty("pairs").GetArrayLength());
        foreach (JsonElement pair in json.GetProperty("pairs").EnumerateArray())
        {
            double[] from = [.. pair.GetProperty("image").EnumerateArray().Select(value => value.GetDouble())], to = [.. pair.GetProperty("with").EnumerateArray().Select(value => value.GetDouble())];
            Assert.Equal([(from[0] + 16) % 48, (from[1] + 8) % 48], to);
        }
    }

    [Fact]
    public void Attention_of_another_block_is_another_picture()
    {
        string picture = Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First();
        byte[] Of(string name, params string[] more)
        {
            Run(["attention", "--image", picture, "--output", Files.Path(name), "--image-size", "32", .. more]);
            return File.ReadAllBytes(Files.Path(name));
        }

        byte[] last = Of("last.png");
        Assert.Equal(last, Of("second.png", "--block", "1"));
        Assert.NotEqual(last, Of("first.png", "--block", "0"));
    }

    [SignalFact]
    public void A_picture_may_come_out_of_a_pipe()
    {
        string picture = Files.Path("piped.png");
        File.Copy(Directory.EnumerateFiles(Files.TestData, "*.png", SearchOption.AllDirectories).First(), picture);
        string[] call = ["embed", "--input", picture, "--output"];
        Run([.. call, Files.Path("file.npy")]);
        using (HeldPicture pipe = new(picture))
        {
            pipe.Give();
            Run([.. call, Files.Path("pipe.npy")]);
        }

        Assert.Equal(File.ReadAllBytes(Files.Path("file.npy")), File.ReadAllBytes(Files.Path("pipe.npy")));
    }

    private DinoResult Run(params string[] call) => DinoProcess.Run([call[0], "--weights", network.Weights, .. call[1..]]).Expect(0);

    private JsonElement Match(string weights, string first, string second, params string[] more) =>
        DinoProcess.Run(["match", "--weights", weights, "--image", first, "--with", second, "--image-size", "48", "--output", Files.Path("match.png"), "--json", .. more]).Expect(0).Json;

    /// <summary>The trained weights with a position embedding of zero.</summary>
    private string WithoutPositions()
    {
        string path = Files.Path("without-positions.safetensors");
        using SafetensorsFile file = SafetensorsFile.Open(network.Weights);
        SafetensorsWriter writer = new();
        foreach ((string name, string value) in file.Metadata)
            writer.Metadata[name] = value;
        foreach ((string name, TensorEntry entry) in file.Entries)
        {
            float[] values = file.ReadSingles(name);
            Shape shape = [.. entry.Shape.Select(length => (int)length)];
            writer.Add(name, shape, name.EndsWith("pos_embed", StringComparison.Ordinal) ? new float[values.Length] : values);
        }

        writer.Save(path);
        return path;
    }
}
