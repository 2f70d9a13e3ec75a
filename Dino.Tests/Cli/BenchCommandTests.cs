using System.Text.Json;
using Dino.Tensors;

namespace Dino.Tests.Cli;

public sealed class BenchCommandTests
{
    [Theory]
    [InlineData("bench forward --image-size 16", "image_size 16, precision fp32")]
    [InlineData("bench forward --image-size 16 --precision int8", "image_size 16, precision int8")]
    [InlineData("bench train-step --out-dim 32 --global-size 16 --local-size 8 --local-crops 2", "out_dim 32, global_size 16, local_size 8, local_crops 2")]
    public void A_benchmark_prints_time_speed_memory_and_what_it_measured(string call, string measured)
    {
        string[] network = ["--embed-dim", "16", "--depth", "2", "--heads", "2", "--patch-size", "8", "--batch", "3", "--threads", "1", "--repeats", "2", "--json"];
        JsonElement json = DinoProcess.Run([.. call.Split(' '), .. network]).Expect(0).Json;
        double Number(string name) => json.GetProperty(name).GetDouble();
        Assert.InRange(Number("median_ms"), Number("min_ms"), Number("max_ms"));
        Assert.True(Number("min_ms") > 0);
        // Both are rounded to three digits after the point: half a thousandth of each, times the other. On a busy machine the median is the larger one.
        Assert.Equal(3000, Number("images_per_second") * Number("median_ms"), 0.0006 * (Number("images_per_second") + Number("median_ms")));
        // A .NET process alone takes 20 MB, this network next to nothing.
        Assert.InRange(Number("peak_rss_mb"), 20, 2000);
        Assert.Equal((5, 3, 1), ((int)Number("repeats"), (int)Number("batch"), (int)Number("threads")));
        Assert.NotEmpty(json.GetProperty("instruction_set").GetString()!);
        Assert.Equal(
            """{"kind":"vit","arch":null,"embed_dim":16,"depth":2,"heads":2,"patch_size":8}""",
            json.GetProperty("network").GetRawText());
        Assert.All(measured.Split(", "), pair => Assert.Equal(pair.Split(' ')[1], json.GetProperty(pair.Split(' ')[0]).ToString()));
        using CpuDevice here = new(1);
        // Only the forward pass computes with int8; a training step has neither a precision nor this.
        Assert.Equal(call.Contains("forward", StringComparison.Ordinal) ? here.Int8InstructionSet : null, json.TryGetProperty("int8_instruction_set", out JsonElement set) ? set.GetString() : null);
    }

    [Fact]
    public void The_stages_before_the_network_are_timed()
    {
        using TinyCommand tiny = new();
        JsonElement json = DinoProcess.Run("bench", "data", "--data", tiny.TrainData, "--json").Expect(0).Json;
        Assert.Equal(20, json.GetProperty("pictures").GetInt32());
        JsonElement[] stages = [.. json.GetProperty("stages").EnumerateArray()];
        Assert.Equal(["decode", "decode + evaluate", "decode + augment"], stages.Select(stage => stage.GetProperty("name").GetString()!));
        double[] speeds = [.. stages.Select(stage => stage.GetProperty("images_per_second").GetDouble())];
        // Ten views of up to 224 pixels cost many times the decoding of 24 pixels.
        Assert.True(speeds[0] > speeds[2] && speeds[2] > 0);
        Assert.NotEmpty(json.GetProperty("instruction_set").GetString()!);
    }

    [Fact]
    public void A_search_is_timed()
    {
        JsonElement json = DinoProcess.Run("bench", "knn", "--train", "300", "--test", "40", "--width", "24", "--classes", "7", "--threads", "1", "--json").Expect(0).Json;
        double Number(string name) => json.GetProperty(name).GetDouble();
        Assert.InRange(Number("median_ms"), Number("min_ms"), Number("max_ms"));
        Assert.True(Number("queries_per_second") > 0);
        Assert.Equal((300, 40, 24, 1), ((int)Number("train"), (int)Number("test"), (int)Number("width"), (int)Number("threads")));
        Assert.NotEmpty(json.GetProperty("instruction_set").GetString()!);
    }

    [Fact]
    public void What_is_measured_in_place_of_what_was_asked_for_is_said()
    {
        string[] call = ["bench", "knn", "--train", "30", "--test", "4", "--width", "8", "--classes", "3", "--threads", "1"];
        DinoResult bent = DinoProcess.Run([.. call, "--k", "31", "--repeats", "4"]).Expect(0);
        Assert.Equal(["--k 31 is more than the 30 pictures in memory: all of them vote", "--repeats 4 is less than 5: 5 runs are timed"], bent.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Contains("of 5)", bent.Output, StringComparison.Ordinal);
        Assert.Empty(DinoProcess.Run([.. call, "--k", "30", "--repeats", "5"]).Expect(0).Errors);
    }

    [Theory]
    [InlineData("bench forward --image-size 32 --arch vit_tiny --depth 12 --precision bf16", "; vit_tiny (192 wide, 12 blocks, 3 heads), patch 8; 32 x 32 pixels, bf16, batch 1; 1 thread, ")]
    [InlineData("bench forward --image-size 16 --embed-dim 16 --depth 1 --heads 2", "; ViT (16 wide, 1 block, 2 heads), patch 8; 16 x 16 pixels, fp32, batch 1; 1 thread, ")]
    [InlineData("bench train-step --out-dim 32 --global-size 16 --local-size 8 --local-crops 2 --embed-dim 16 --depth 1 --heads 2", "; 2 views of 16 x 16 and 2 of 8 x 8 pixels, K = 32, batch 1; 1 thread, ")]
    public void Without_json_a_benchmark_prints_a_sentence(string call, string measured)
    {
        string output = DinoProcess.Run([.. call.Split(' '), "--patch-size", "8", "--batch", "1", "--threads", "1"]).Expect(0).Output;
        Assert.Matches(@"^\d.* ms \(min .*\), .* images/s", output);
        Assert.Contains(measured, output, StringComparison.Ordinal);
        using CpuDevice here = new(1);
        Assert.Equal(call.Contains("forward", StringComparison.Ordinal), output.Contains($", int8: {here.Int8InstructionSet}", StringComparison.Ordinal));
    }
}
