using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Dino.Nn;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Cli;

/// <summary>The demonstration, made small: its report says how to repeat each of its accuracies, and they are repeated.</summary>
public sealed partial class DemoByHandTests
{
    private static readonly DemoOptions Small = new()
    {
        TrainPerClass = 4,
        TestPerClass = 3,
        EvaluationSize = 32,
        Crops = new() { GlobalSize = 16, LocalSize = 8, LocalCrops = 2 },
        Dino = new DinoOptions
        {
            Backbone = new VisionTransformerOptions { ImageSize = 16, PatchSize = 8, Width = 16, Depth = 2, Heads = 2 },
            Head = new DinoHeadOptions { Prototypes = 16, Hidden = 16, Bottleneck = 8 },
            BatchSize = 8,
            Epochs = 1,
            WarmupEpochs = 0,
            Seed = 1,
        },
    };

    [Fact]
    public void The_command_in_the_report_gives_the_accuracies_of_all_three_rows()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        DemoResult result = new DemoRun(device, folder.Root, Small).Run(_ => { });
        string page = WebUtility.HtmlDecode(File.ReadAllText(result.ReportPath));
        Match command = ByHand().Match(page);
        Assert.True(command.Success, page);
        Assert.Contains("outline no shapes", page, StringComparison.Ordinal);
        // Paths in the report start at its folder.
        string[] call = [.. command.Groups["call"].Value.Split(' ').Select(word => word.Contains('/', StringComparison.Ordinal) ? folder.Path(word.Split('/')) : word), "--threads", "1", "--json"];
        string[] untrained = command.Groups["untrained"].Value.Split(' ');
        Assert.Equal(result.Trained.Top1, TopOne(call));
        Assert.Equal(result.Untrained.Top1, TopOne([.. call, .. untrained]));
        Assert.Equal(result.Pixels.Top1, TopOne([.. call, command.Groups["pixels"].Value]));
    }

    [Fact]
    public void The_readme_gives_the_same_commands()
    {
        DemoOptions demo = new();
        string size = demo.EvaluationSize.ToString(CultureInfo.InvariantCulture), seed = demo.Dino.Seed.ToString(CultureInfo.InvariantCulture);
        using StreamReader reader = new(typeof(DemoByHandTests).Assembly.GetManifestResourceStream("README.md")!);
        string readme = reader.ReadToEnd();
        Assert.Contains($"dino knn --weights demo/run/teacher.safetensors --train demo/pictures/train --test demo/pictures/test --resize {size} --crop {size}\n", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains($"`--untrained --seed {seed}`", readme, StringComparison.Ordinal);
    }

    private static double TopOne(string[] call) => DinoProcess.Run(call).Expect(0).Json.GetProperty("top1").GetDouble();

    [GeneratedRegex("the same by hand: dino (?<call>knn .*?); with (?<untrained>--untrained --seed \\d+) or (?<pixels>--pixels) for the other rows")]
    private static partial Regex ByHand();
}
