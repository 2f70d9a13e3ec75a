using System.Text.Json;

namespace Dino.Tests.Cli;

public sealed class TrainCommandTests(TinyCommand tiny) : IClassFixture<TinyCommand>
{
    [Fact]
    public void Training_prints_one_json_object_and_writes_weights_checkpoint_and_log()
    {
        DinoResult result = DinoProcess.Run(tiny.Train("json", 2)).Expect(0);
        JsonElement json = result.Json;
        Assert.True(json.GetProperty("completed").GetBoolean());
        Assert.Equal((10, 10), (json.GetProperty("steps").GetInt32(), json.GetProperty("total_steps").GetInt32()));
        Assert.Equal(json.GetProperty("loss").GetDouble() - json.GetProperty("teacher_entropy").GetDouble(), json.GetProperty("kl").GetDouble(), 1e-5);
        Assert.Equal(0, json.GetProperty("skipped_pictures").GetInt32());
        Assert.Equal(tiny.Path("json"), json.GetProperty("output").GetString());
        foreach (string name in (string[])["student.safetensors", "teacher.safetensors", "checkpoint.safetensors", "log.jsonl"])
            Assert.True(File.Exists(tiny.Path("json", name)), name);
        // Progress goes to the other stream, as plain lines.
        Assert.Contains("epoch 1/2", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("\x1b[", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", result.Errors.Replace("\r\n", "\n", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_json_progress_and_result_are_plain_lines()
    {
        DinoResult result = DinoProcess.Run([.. tiny.Train("plain", 2).Where(argument => argument != "--json")]).Expect(0);
        string[] lines = result.Output.Split('\n', StringSplitOptions.TrimEntries);
        Assert.Contains(lines, line => line.StartsWith("epoch 2/2  step 10/10  loss ", StringComparison.Ordinal) && line.EndsWith(" img/s  0:00 left", StringComparison.Ordinal));
        // One step, the slowest of all, tells nothing about how long the run will take.
        Assert.Contains(lines, line => line.StartsWith("epoch 1/2  step 1/10  loss ", StringComparison.Ordinal) && line.EndsWith(" img/s", StringComparison.Ordinal));
        Assert.Contains("teacher.safetensors", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public void An_output_folder_that_holds_a_run_is_not_overwritten()
    {
        DinoProcess.Run(tiny.Train("twice", 1)).Expect(0);
        byte[] before = File.ReadAllBytes(tiny.Path("twice", "checkpoint.safetensors"));
        DinoResult result = DinoProcess.Run(tiny.Train("twice", 1)).Expect(2);
        Assert.Contains("--resume", result.Errors, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(tiny.Path("twice", "checkpoint.safetensors")));
    }

    [Fact]
    public void Resuming_a_finished_run_is_no_error_and_reports_no_loss()
    {
        DinoProcess.Run(tiny.Train("finished", 1)).Expect(0);
        JsonElement json = DinoProcess.Run(tiny.Train("finished", 1, "--resume")).Expect(0).Json;
        Assert.True(json.GetProperty("completed").GetBoolean());
        Assert.Equal(5, json.GetProperty("steps").GetInt32());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("loss").ValueKind);
    }

    [Fact]
    public void Resuming_with_another_option_ends_with_1_and_names_it()
    {
        DinoProcess.Run(tiny.Train("changed", 1)).Expect(0);
        DinoResult result = DinoProcess.Run(tiny.Train("changed", 1, "--resume", "--lr", "0.25")).Expect(1);
        Assert.Contains("learning_rate was 0.0005, now 0.25", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("device", "--augment cpu, or --device cuda")]
    [InlineData("gpu", "--augment is cpu or device, not 'gpu'")]
    public void An_augmentation_that_the_device_cannot_do_ends_with_2_and_says_what_to_use(string place, string advice)
    {
        Assert.Contains(advice, DinoProcess.Run(tiny.Train("augment", 1, "--augment", place)).Expect(2).Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tiny.Path("augment")));
    }

    [Fact]
    public void A_batch_in_parts_trains_as_the_whole_one()
    {
        DinoResult whole = DinoProcess.Run(tiny.Train("whole", 1, "--drop-path", "0")).Expect(0);
        DinoResult parts = DinoProcess.Run(tiny.Train("parts", 1, "--drop-path", "0", "--accumulate", "2")).Expect(0);
        Assert.Contains("5 steps of 4 pictures in 2 parts an epoch", parts.Errors, StringComparison.Ordinal);
        Assert.Equal(5, parts.Json.GetProperty("steps").GetInt32());
        // Rounding of F32 on losses of about ln 32, over five steps.
        foreach (string name in (string[])["loss", "teacher_entropy"])
            Assert.Equal(whole.Json.GetProperty(name).GetDouble(), parts.Json.GetProperty(name).GetDouble(), 1e-4);
    }

    [Theory]
    [InlineData("3", "Use --accumulate 2 or 4")]
    [InlineData("0", "--accumulate must be at least 1, not 0")]
    public void Parts_that_do_not_divide_the_batch_end_with_2_and_say_which_do(string parts, string advice)
    {
        Assert.Contains(advice, DinoProcess.Run(tiny.Train("uneven", 1, "--accumulate", parts)).Expect(2).Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tiny.Path("uneven")));
    }

    [Fact]
    public void Unusable_pictures_are_named_once_on_the_way()
    {
        using TinyCommand own = new();
        string file = Path.Combine(own.TrainData, "discs", "bad.png");
        File.WriteAllText(file, "not a picture");
        DinoResult result = DinoProcess.Run(own.Train("bad", 3, "--batch-size", "7")).Expect(0);
        Assert.Equal(1, result.Json.GetProperty("skipped_pictures").GetInt32());
        Assert.Single(result.Errors.Split('\n'), line => line.Contains(file, StringComparison.Ordinal));
        Assert.Equal(2, result.Errors.Split(file).Length);
    }

    [Fact]
    public void Too_few_pictures_for_a_batch_end_with_2_and_the_batch_size_to_use() =>
        Assert.Contains("--batch-size 20", DinoProcess.Run(tiny.Train("few", 1, "--batch-size", "21")).Expect(2).Errors, StringComparison.Ordinal);

    [Fact]
    public void A_loss_that_is_not_a_number_ends_with_1_and_says_what_to_try()
    {
        DinoResult result = DinoProcess.Run(tiny.Train("nan", 3, "--lr", "1e30", "--optimizer", "sgd", "--clip-grad", "0", "--warmup-epochs", "0")).Expect(1);
        Assert.Contains("--clip-grad 0.3", result.Errors, StringComparison.Ordinal);
    }
}
