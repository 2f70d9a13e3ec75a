using System.Text.Json;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Imaging.Transforms;

namespace Dino.Tests.Cli;

/// <summary>Index and search, near-duplicates, clusters.</summary>
public sealed class RetrievalCommandTests(TrainedNetwork network) : IClassFixture<TrainedNetwork>
{
    private TinyCommand Files => network.Files;

    [Fact]
    public void A_picture_finds_itself_first_and_an_index_follows_its_folder()
    {
        string index = Files.Path("made", "index.safetensors"), image = Pictures(Files.TrainData)[4], sheet = Files.Path("found.png");
        JsonElement made = Run("index", "--weights", network.Weights, "--input", Files.TrainData, "--output", index).Json;
        Assert.Equal((20, 20, 0, 20), (Int(made, "count"), Int(made, "added"), Int(made, "kept"), Int(made, "computed")));
        made = Run("index", "--weights", network.Weights, "--input", Files.TrainData, "--output", index).Json;
        Assert.Equal((20, 0, 20, 0), (Int(made, "count"), Int(made, "added"), Int(made, "kept"), Int(made, "computed")));

        JsonElement found = Run("search", "--index", index, "--image", image, "--k", "3", "--sheet", sheet).Json;
        JsonElement[] hits = [.. found.GetProperty("hits").EnumerateArray()];
        Assert.Equal((20, 3, Files.TrainData), (Int(found, "count"), hits.Length, found.GetProperty("folder").GetString()));
        Assert.Equal(image, Path.Combine(Files.TrainData, hits[0].GetProperty("path").GetString()!));
        Assert.InRange(hits[0].GetProperty("score").GetDouble(), 0.9999, 1);
        // The query above three squares, with captions.
        Image drawn = ImageFile.Decode(sheet);
        Assert.True(drawn.Width > 3 * 192 && drawn.Height > 2 * 192, $"{drawn.Width} x {drawn.Height}");

        string[] lines = DinoProcess.Run("search", "--index", index, "--image", image, "--k", "2", "--threads", "1").Expect(0).Output.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal($"1.0000  {Path.GetRelativePath(Files.TrainData, image).Replace('\\', '/')}", lines[0].TrimEnd());
    }

    [Fact]
    public void An_index_of_another_model_is_refused()
    {
        string index = Files.Path("refused.safetensors"), image = Pictures(Files.TestData)[0], student = Files.Path("run", "student.safetensors");
        Run("index", "--weights", network.Weights, "--input", Files.TestData, "--output", index);
        foreach (string[] call in (string[][])[["search", "--index", index, "--image", image, "--weights", student], ["index", "--input", Files.TestData, "--output", index, "--weights", student]])
        {
            string errors = DinoProcess.Run(call).Expect(1).Errors;
            Assert.StartsWith($"error: {index} was made with other settings", errors, StringComparison.Ordinal);
            Assert.Contains($"the model ({network.Weights}, now {student})", errors, StringComparison.Ordinal);
        }

        Assert.Contains("is no index", DinoProcess.Run("search", "--index", network.Weights, "--image", image).Expect(1).Errors, StringComparison.Ordinal);
        Assert.Contains("dino index --weights", DinoProcess.Run("search", "--index", Files.Path("none.safetensors"), "--image", image).Expect(1).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_are_grouped_listed_and_drawn_with_and_without_a_network()
    {
        string folder = Files.Path("twins"), list = Files.Path("copies.txt"), page = Files.Path("twins.html"), sheet = Files.Path("twins.png");
        Directory.CreateDirectory(folder);
        foreach ((int i, string picture) in Pictures(Files.TestData).Index())
            File.Copy(picture, Path.Combine(folder, $"{i}.png"));
        PngEncoder.Save(Resampler.Resize(ImageFile.Decode(Path.Combine(folder, "2.png")), 36, 36), Path.Combine(folder, "twin.png"));
        foreach (string[] how in (string[][])[["--list", list, "--report", page], ["--weights", network.Weights, "--report", sheet]])
        {
            JsonElement found = Run(["dedup", "--input", folder, .. how]).Json;
            JsonElement[] group = [.. Assert.Single(found.GetProperty("groups").EnumerateArray()).EnumerateArray()];
            Assert.Equal((11, 1), (Int(found, "count"), Int(found, "copies")));
            Assert.Equal([Path.Combine(folder, "twin.png"), Path.Combine(folder, "2.png")], group.Select(picture => picture.GetProperty("path").GetString()!));
            Assert.Equal((36, 1.0), (Int(group[0], "width"), group[0].GetProperty("similarity").GetDouble()));
        }

        Assert.Equal([Path.Combine(folder, "2.png")], File.ReadAllLines(list));
        Assert.Contains("twin.png", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.True(ImageFile.Decode(sheet).Width > 2 * 192);
        // Nothing was deleted.
        Assert.Equal(11, Directory.GetFiles(folder).Length);
        Assert.Contains("11 pictures, 1 group of near-duplicates", DinoProcess.Run("dedup", "--input", folder, "--threshold", "0.7").Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Clusters_are_written_drawn_and_the_same_from_pictures_and_from_features()
    {
        string table = Files.Path("clusters.csv"), sheet = Files.Path("clusters.png"), features = Files.Path("for-clusters.npy"), objects = Files.Path("clusters.json");
        JsonElement found = Run("cluster", "--weights", network.Weights, "--input", Files.TrainData, "--k", "3", "--spherical", "--output", table, "--sheet", sheet).Json;
        int[] sizes = [.. found.GetProperty("sizes").EnumerateArray().Select(size => size.GetInt32())];
        Assert.Equal((20, 3), (sizes.Sum(), sizes.Length));
        Assert.Equal(sizes.OrderDescending(), sizes);
        Assert.InRange(found.GetProperty("purity").GetDouble(), 0.1, 1);
        Assert.InRange(found.GetProperty("nmi").GetDouble(), 0, 1);
        string[] lines = File.ReadAllLines(table);
        Assert.Equal(("path,cluster,distance", 21), (lines[0], lines.Length));
        Assert.Equal(sizes[0], lines.Count(line => line.Split(',')[1] == "0"));
        Assert.True(ImageFile.Decode(sheet).Height > 3 * 144);

        Run("embed", "--weights", network.Weights, "--input", Files.TrainData, "--output", features);
        JsonElement again = Run("cluster", "--features", features, "--k", "3", "--spherical", "--output", objects).Json;
        Assert.Equal(found.GetProperty("sizes").GetRawText(), again.GetProperty("sizes").GetRawText());
        using JsonDocument members = JsonDocument.Parse(File.ReadAllBytes(objects));
        Assert.Equal(lines.Skip(1).Select(line => line.Split(',')[1]), members.RootElement.EnumerateArray().Select(member => member.GetProperty("cluster").GetRawText()));
    }

    [Theory]
    [InlineData("cluster --input x --k 3", "--input needs --weights")]
    [InlineData("cluster --k 3", "Give either --input DIR or --features FILE.")]
    [InlineData("cluster --input x --features y --k 3", "Give either --input DIR or --features FILE.")]
    [InlineData("cluster --features y --weights z --k 3", "exclude each other")]
    [InlineData("cluster --input x --weights z --k 0", "--k must be at least 1")]
    [InlineData("cluster --input x --weights z --k 3 --output z.txt", ".csv or .json")]
    [InlineData("dedup --input x --threshold 2", "threshold must lie in (0, 1]")]
    [InlineData("dedup --input x --report z.txt", "--report must end in .html or .png")]
    [InlineData("search --index x --image y --k 0", "--k must be at least 1")]
    [InlineData("search --index x --image y --sheet z.jpg", "--sheet must end in .png")]
    public void A_wrong_call_ends_with_2(string call, string words) =>
        Assert.Contains(words, DinoProcess.Run(call.Split(' ')).Expect(2).Errors, StringComparison.Ordinal);

    private static string[] Pictures(string folder) => [.. Directory.EnumerateFiles(folder, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static int Int(JsonElement parent, string name) => parent.GetProperty(name).GetInt32();

    private static DinoResult Run(params string[] arguments) => DinoProcess.Run([.. arguments, "--json"]).Expect(0);
}
