namespace Dino.Tests.Cli;

/// <summary>Exit codes and help: 0 for success, 1 for failure, 2 for a wrong call.</summary>
public sealed class CommandLineTests
{
    private static readonly string[] Architecture = ["--arch", "--patch-size", "--embed-dim", "--depth", "--heads"];
    private static readonly string[] Devices = ["--device", "--threads"];

    public static TheoryData<string, string[]> Helps => new()
    {
        { "", ["train", "knn", "linear", "classify", "attention", "pca", "tsne", "umap", "match", "embed", "index", "search", "dedup", "cluster", "info", "convert", "bench", "devices", "demo"] },
        { "train", ["--data", "--output", "--image-size", "--local-size", "--local-crops", "--out-dim", "--batch-size", "--epochs", "--lr", "--weight-decay", "--weight-decay-end",
            "--momentum-teacher", "--teacher-temp", "--warmup-teacher-temp", "--warmup-teacher-temp-epochs", "--warmup-epochs", "--clip-grad", "--freeze-last-layer", "--drop-path",
            "--optimizer", "--seed", "--resume", "--json", .. Architecture, .. Devices] },
        { "knn", ["--weights", "--train", "--test", "--k", "--temperature", "--untrained", "--pixels", "--resize", "--crop", "--precision", "--json", .. Architecture, .. Devices] },
        { "linear", ["--weights", "--key", "--train", "--test", "--output", "--epochs", "--batch-size", "--lr", "--blocks", "--avgpool", "--sweep", "--cached", "--val-freq", "--resume", "--seed",
            "--resize", "--crop", "--precision", "--json", .. Architecture, .. Devices] },
        { "classify", ["--classifier", "--weights", "--input", "--top", "--batch-size", "--precision", "--json", .. Architecture, .. Devices] },
        { "attention", ["--weights", "--image", "--output", "--image-size", "--threshold", "--precision", .. Architecture, .. Devices] },
        { "embed", ["--weights", "--key", "--channels", "--input", "--output", "--precision", .. Architecture, .. Devices] },
        { "index", ["--weights", "--key", "--input", "--output", "--resize", "--crop", "--precision", "--restart", "--json", .. Architecture, .. Devices] },
        { "search", ["--index", "--image", "--k", "--sheet", "--weights", "--precision", "--json", .. Architecture, .. Devices] },
        { "dedup", ["--input", "--features", "--weights", "--threshold", "--no-crops", "--candidates", "--list", "--report", "--precision", "--json", .. Architecture, .. Devices] },
        { "cluster", ["--input", "--features", "--weights", "--k", "--spherical", "--seed", "--iterations", "--output", "--sheet", "--precision", "--json", .. Architecture, .. Devices] },
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

    /// <summary>A default that a weights file replaces is no default, and whoever looks for what can be given finds it there.</summary>
    [Theory]
    [InlineData("knn", "resnet50, resnet101, in place of what the weights file tells; vit_small without --weights.")]
    [InlineData("knn", "Side of a patch in pixels, in place of what the weights file tells; 16 without --weights.")]
    [InlineData("attention", "Side of a patch in pixels, in place of what the weights file tells.")]
    [InlineData("embed", "Attention heads, in place of what the weights file tells.")]
    [InlineData("train", "Side of a patch in pixels (16).")]
    [InlineData("bench forward", "resnet50, resnet101 (vit_small).")]
    [InlineData("train", "One of vit_tiny, vit_small, vit_base, dinov2_vits14,")]
    [InlineData("embed", "dinov3_vit7b16, in place of what the weights file tells.")]
    [InlineData("embed", "or a folder of dino train, of transformers or of timm")]
    [InlineData("knn", "student.safetensors or a checkpoint of dino train")]
    [InlineData("attention", "a .pth of PyTorch")]
    public void Help_says_what_holds_without_an_option(string command, string text) =>
        Assert.Contains(text, string.Join(' ', DinoProcess.Run([.. command.Split(' '), "--help"]).Expect(0).Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);

    public static TheoryData<string, string> WrongCalls => new()
    {
        { "", "command" },
        { "tarin", "tarin" },
        { "train --data x --output y --learning-rate 1", "--learning-rate" },
        { "train --output y", "--data" },
        { "train --data x --output y --epochs many", "many" },
        { "train --data x --output y --epochs 5", "--warmup-epochs" },
        { "train --data x --output y --arch vit_huge", "vit_tiny" },
        { "train --data x --output y --arch resnet18 --heads 4", "--heads is for vision transformers; --arch resnet18 is a ResNet" },
        { "train --data x --output y --optimizer adam", "adamw" },
        { "train --data x --output y --device tpu", "--device cpu" },
        { "train --data x --output y --threads -1", "--threads" },
        { "train --data x --output y --global-crops-scale 0.9 0.4", "Scale" },
        { "train --data x --output y --lr NaN", "rate" },
        { "train --data x --output y --local-crops 2000", "--local-crops must be 0 to 1000, not 2000." },
        { "train --data x --output y --local-crops-scale 0.9 0.4", "--local-crops-scale are the least and the greatest scale, 0 < least <= greatest <= 1, not 0.9 0.4." },
        { "train --data x --output y --out-dim 0", "--out-dim must be at least 1, not 0." },
        { "train --data x --output y --cache-mb -1", "--cache-mb must be at least 0, not -1." },
        { "bench train-step --local-crops -1", "--local-crops must be 0 to 1000, not -1." },
        { "knn --train x", "--test" },
        { "linear --weights x --train y --test z", "--output" },
        { "linear --weights x --train y --test z --output c.npy", ".safetensors" },
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
        Assert.StartsWith("error: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains(word, result.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        // The output stream belongs to results; only a call without any word is answered with the help.
        Assert.Equal(call.Length == 0, result.Output.Length > 0);
    }

    /// <summary>The whole error stream: one line for each thing to mend, one that says where help is.</summary>
    public static TheoryData<string, string, string> Slips => new()
    {
        { "tarin --data x", "dino has no command 'tarin'. Did you mean train?", "dino" },
        { "x", "dino has no command 'x'. Its commands are train, knn, linear, classify, attention, pca, tsne, umap, match, embed, index, search, dedup, cluster, info, convert, bench, devices and demo.", "dino" },
        { "help", "dino has no command 'help'. Did you mean --help?", "dino" },
        { "--vesion", "dino has no option '--vesion'. Did you mean --version?", "dino" },
        { "bench", "dino bench needs a command: forward, train-step, data or knn.", "dino bench" },
        { "bench forwrd --batch 3", "dino bench has no command 'forwrd'. Did you mean forward?", "dino bench" },
        { "bench forward --precison int8", "dino bench forward has no option '--precison'. Did you mean --precision?", "dino bench forward" },
        // --train is not missing besides: it is what was meant.
        { "knn --trian x --test y", "dino knn has no option '--trian'. Did you mean --train?", "dino knn" },
        { "knn --learning-rate 1", "dino knn has no option '--learning-rate'.\ndino knn needs --train and --test.", "dino knn" },
        { "embed", "dino embed needs --input, --output and --weights.", "dino embed" },
        { "devices here", "'here' follows no option that takes it.", "dino devices" },
        { "--data x train --output y", "--data stands before the command: dino train --data ...", "dino train" },
        { "train --data x --output y --epochs many", "--epochs takes a whole number, not 'many'.", "dino train" },
        { "train --data x --output y --patch-size 1.5", "--patch-size takes a whole number, not '1.5'.", "dino train" },
        { "train --data x --output y --lr fast", "--lr takes a number, not 'fast'.", "dino train" },
        { "train --data x --output y --lr 1 --lr 2", "--lr takes one value, and was given '1 2'.", "dino train" },
        { "train --data x --output", "--output needs a value.", "dino train" },
        { "train --data x --output y --global-crops-scale 0.4", "--global-crops-scale needs 2 values, not only '0.4'.", "dino train" },
        { "train --data x --output y --global-crops-scale low high", "--global-crops-scale takes 2 numbers, not 'low high'.", "dino train" },
    };

    [Theory, MemberData(nameof(Slips))]
    public void A_slip_is_answered_with_its_mending_and_nothing_else(string call, string sentences, string command)
    {
        DinoResult result = DinoProcess.Run(call.Split(' ')).Expect(2);
        string expected = string.Concat(sentences.Split('\n').Select(sentence => $"error: {sentence}\n")) + $"See {command} --help.\n";
        Assert.Equal(expected, result.Errors.ReplaceLineEndings("\n"));
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
