using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Dino.Tests.Cuda;

/// <summary>The checks for a machine with a GPU, with programs that only say how they were called: what <c>benchmarks/Gpu/check.sh</c> runs and writes.</summary>
public sealed class CheckScriptTests : IDisposable
{
    private const string Dino = """case "$*" in demo*) echo '{"trained_top1":61.5}';; knn*/fp32/*) echo '{"top1":51.25}';; knn*) echo "{\"top1\":$ROUNDED}";; esac""";
    private const string Benchmarks = """case $1 in device) echo "Some GPU";; insert) echo "to $2"; { echo "== $2"; cat; } >> "$3";; esac""";
    private const string Tests = """echo "Failed: 0, Passed: 7, Skipped: 0"; exit $STATUS""";

    private readonly TemporaryFolder _folder = new();

    private string Results => _folder.Path("results.md");

    private string[] Calls => [.. File.ReadAllLines(_folder.Path("calls")).Select(call => call.Replace(_folder.Root, "", StringComparison.Ordinal))];

    [Fact]
    public void Published_programs_are_run_part_by_part()
    {
        Publish();
        (int status, string output) = Check("--parts", "kernels,tests,times", "--only", "bf16");
        Assert.True(status == 0, output);
        Assert.Equal(
            [
                "dino devices", "benchmarks device", "benchmarks kernels --update /results.md",
                "Dino.Tests Dino.Tests.Cuda.Cuda Fixture Gradient DeviceAugmentation \"cuda\" --only bf16", "Dino.Tests Dino.Tests.Cuda.CudaPrecision Fixture Gradient DeviceAugmentation \"cuda\" --only bf16",
                "benchmarks insert gpu:tests /results.md", "benchmarks peers --rows gpu --peers-dir /peers --python python3 --update /results.md --only bf16 --commit abc123",
            ],
            Calls);
        string results = File.ReadAllText(Results);
        Assert.All(["gpu:kernels", "gpu:training", "peers:gpu"], place => Assert.Contains($"<!-- {place}:begin -->\n<!-- {place}:end -->", results, StringComparison.Ordinal));
        Assert.Contains("| own kernels | passed: Failed: 0, Passed: 7, Skipped: 0 |", results, StringComparison.Ordinal);
        Assert.Contains("Some GPU, tests with `bf16` in their names.", results, StringComparison.Ordinal);
    }

    [Fact]
    public void Tests_that_go_through_the_devices_by_themselves_are_chosen()
    {
        string tests = Path.Combine(Path.GetDirectoryName(Script())!, "..", "..", "Dino.Tests"), chosen = File.ReadAllLines(Script()).Single(line => line.Contains("everywhere=", StringComparison.Ordinal));
        string[] words = chosen.Split('"')[1].Split(' ');
        string[] classes = [.. Directory.EnumerateFiles(tests, "*Tests.cs", SearchOption.AllDirectories).Where(GoesThroughDevices).Select(file => Path.GetFileName(file))];
        Assert.InRange(classes.Length, 5, 100);
        Assert.All(classes, name => Assert.Contains(words, word => name.Contains(word, StringComparison.Ordinal)));

        static bool GoesThroughDevices(string file) =>
            Path.GetFileName(Path.GetDirectoryName(file)) != "Cuda" && File.ReadAllText(file) is var text && !text.Contains("string deviceName", StringComparison.Ordinal)
            && (text.Contains("in Devices.Names", StringComparison.Ordinal) || text.Contains("Devices.Create(\"cuda\")", StringComparison.Ordinal));
    }

    [Fact]
    public void Accuracies_of_both_precisions_are_compared()
    {
        Publish();
        (int status, string output) = Check("--parts", "training");
        Assert.True(status == 0, output);
        Assert.Equal(["fp32", "bf16"], Calls.Where(call => call.StartsWith("dino demo --device cuda --precision", StringComparison.Ordinal)).Select(call => call.Split(' ')[5]));
        Assert.Contains("| dino demo | 61.5 % | 61.5 % |", File.ReadAllText(Results), StringComparison.Ordinal);
    }

    [Theory, InlineData("50.5", 0), InlineData("40.0", 1)]
    public void Pictures_are_trained_on_and_a_great_loss_of_accuracy_fails_the_check(string rounded, int expected)
    {
        Publish();
        Directory.CreateDirectory(_folder.Path("pictures", "train"));
        Directory.CreateDirectory(_folder.Path("pictures", "test"));
        (int status, string output) = CheckWith("ROUNDED", rounded, "--parts", "training", "--pictures", _folder.Path("pictures"));
        Assert.True(status == expected, output);
        Assert.Contains($"| ViT-Ti/4, 32 pixels, 10 epochs | 51.25 % | {rounded} % |", File.ReadAllText(Results), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", "", 1, "**failed**")]
    [InlineData("3", "", 1, "**failed**")]
    [InlineData("3", "bf16", 0, "passed")]
    public void Tests_that_fail_or_do_not_run_fail_the_check(string tests, string only, int expected, string result)
    {
        Publish();
        (int status, string output) = CheckWith("STATUS", tests, "--parts", "tests", "--only", only);
        Assert.True(status == expected, output);
        Assert.Contains($"| own kernels | {result}: ", File.ReadAllText(Results), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        Publish();
        Directory.Delete(_folder.Path("tests"), recursive: true);
        (int status, string output) = Check("--parts", "tests");
        Assert.Equal(1, status);
        Assert.Contains("tests/Dino.Tests'. benchmarks/Gpu/publish.sh DIR makes it", output, StringComparison.Ordinal);
        Assert.Equal(0, Check("--parts", "kernels").Status);
    }

    [Theory]
    [InlineData(0, "--published DIR", "--help")]
    [InlineData(2, "there is no part 'speed'", "--parts", "speed")]
    [InlineData(2, "usage:", "--parts")]
    [InlineData(2, "usage:", "--speed", "high")]
    [InlineData(2, "lacks the folders train and test", "--pictures", "/")]
    public void Calls_are_explained(int expected, string text, params string[] arguments)
    {
        (int status, string output) = Check(arguments);
        Assert.Equal(expected, status);
        Assert.Contains(text, output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private void Publish()
    {
        File.WriteAllText(_folder.Path("commit"), "abc123\n");
        foreach ((string folder, string name, string work) in new[] { ("dino", "dino", Dino), ("benchmarks", "benchmarks", Benchmarks), ("tests", "Dino.Tests", Tests) })
        {
            Directory.CreateDirectory(_folder.Path(folder));
            string path = _folder.Path(folder, name);
            File.WriteAllText(path, $"#!/usr/bin/env bash\necho {name} \"$@\" >> '{_folder.Path("calls")}'\n{work}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private (int Status, string Output) Check(params string[] arguments) => CheckWith("STATUS", "0", arguments);

    private (int Status, string Output) CheckWith(string variable, string value, params string[] arguments)
    {
        ProcessStartInfo start = new("bash", [Script(), "--published", _folder.Root, "--results", Results, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PEERS_DIR"] = "/peers";
        start.Environment[variable] = value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string Script([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "benchmarks", "Gpu", "check.sh");
}
