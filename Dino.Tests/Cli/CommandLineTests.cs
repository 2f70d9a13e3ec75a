namespace Dino.Tests.Cli;

/// <summary>Exit codes and help: 0 for success, 1 for failure, 2 for a wrong call.</summary>
public sealed class CommandLineTests
{
    private static readonly string[] Architecture = ["--arch", "--patch-size", "--embed-dim", "--depth", "--heads"];
    private static readonly string[] Devices = ["--device", "--threads"];

    public static TheoryData<string, string[]> Helps => new()
    {
        { "", ["train", "knn", "attention", "embed", "info", "convert", "bench", "devices", "demo"] },
        { "train", ["--data", "--output", "--image-size", "--local-size", "--local-crops", "--out-dim", "--batch-size", "--epochs", "--lr", "--weight-decay", "--weight-decay-end",
            "--momentum-teacher", "--teacher-temp", "--warmup-teacher-temp", "--warmup-teacher-temp-epochs", "--warmup-epochs", "--clip-grad", "--freeze-last-layer", "--drop-path",
            "--optimizer", "--seed", "--resume", "--json", .. Architecture, .. Devices] },
        { "knn", ["--weights", "--train", "--test", "--k", "--temperature", "--untrained", "--pixels", "--resize", "--crop", "--precision", "--json", .. Architecture, .. Devices] },
        { "attention", ["--weights", "--image", "--output", "--image-size", "--threshold", "--precision", .. Architecture, .. Devices] },
        { "embed", ["--weights", "--key", "--input", "--output", "--precision", .. Architecture, .. Devices] },
        { "info", ["<file>", "--key", "--json"] },
        { "convert", ["--input", "--output", "--key", "--all", "--json"] },
        { "bench", ["forward", "train-step", "data", "knn"] },
        { "bench data", ["--data", "--repeats", "--json"] },
        { "bench knn", ["--train", "--test", "--width", "--classes", "--k", "--repeats", "--json", .. Devices] },
        { "bench forward", ["--batch", "--image-size", "--precision", "--json", .. Architecture, .. Devices] },
        { "bench train-step", ["--batch", "--out-dim", "--global-size", "--local-size", "--local-crops", "--json", .. Architecture, .. Devices] },
        { "devices", ["--json"] },
        { "demo", ["--output", .. Devices] },
    };

    [Theory, MemberData(nameof(Helps))]
    public void Help_lists_every_option(string command, string[] words)
    {
        DinoResult result = DinoProcess.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Expect(0);
        string[] listed = [.. result.Output.Split([' ', ',', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)];
        Assert.All(words, word => Assert.Contains(word, listed));
        Assert.Empty(result.Errors);
    }

    public static TheoryData<string, string> WrongCalls => new()
    {
        { "", "command" },
        { "tarin", "tarin" },
        { "train --data x --output y --learning-rate 1", "--learning-rate" },
        { "train --output y", "--data" },
        { "train --data x --output y --epochs many", "many" },
        { "train --data x --output y --epochs 5", "--warmup-epochs" },
        { "train --data x --output y --arch vit_huge", "vit_tiny" },
        { "train --data x --output y --optimizer adam", "adamw" },
        { "train --data x --output y --device tpu", "--device cpu" },
        { "train --data x --output y --threads -1", "--threads" },
        { "train --data x --output y --global-crops-scale 0.9 0.4", "Scale" },
        { "train --data x --output y --lr NaN", "rate" },
        { "knn --train x", "--test" },
        { "attention --weights x --image y --output z --threshold 2", "--threshold" },
        { "attention --weights x --image y --output z.jpg", ".png" },
        { "embed --weights x --input y --output z.csv", ".npy" },
        { "embed --weights x --input y --output z.npy --precision fp16", "fp32, bf16 or int8" },
        { "bench forward --precision int4", "fp32, bf16 or int8" },
        { "bench forward --batch 0", "--batch" },
        { "bench knn --train 0", "--train" },
    };

    [Theory, MemberData(nameof(WrongCalls))]
    public void A_wrong_call_ends_with_2_and_names_what_is_wrong(string call, string word)
    {
        DinoResult result = DinoProcess.Run(call.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Expect(2);
        Assert.Contains(word, result.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        // The output stream belongs to results; only a call without any word is answered with the help.
        Assert.Equal(call.Length == 0, result.Output.Length > 0);
    }

    public static TheoryData<string, string> Failures => new()
    {
        { "train --data no-such-folder --output y --epochs 20", "no-such-folder" },
        { "knn --pixels --train no-such-folder --test y", "no-such-folder" },
        { "attention --weights w --image no-such-file --output z.png", "no-such-file" },
        { "embed --weights no-such-file --input y --output z.npy", "no-such-file" },
    };

    [Theory, MemberData(nameof(Failures))]
    public void A_failure_ends_with_1_and_a_sentence(string call, string word)
    {
        DinoResult result = DinoProcess.Run(call.Split(' ')).Expect(1);
        Assert.StartsWith("error: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains(word, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void The_version_can_be_asked_for() => Assert.Matches(@"^\d+\.\d+\.\d+", DinoProcess.Run("--version").Expect(0).Output);
}
