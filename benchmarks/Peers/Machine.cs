using System.Diagnostics;
using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers;

/// <summary>What a run was measured on.</summary>
internal sealed record Machine(string Processor, int Cores, string InstructionSet, string System, string Runtime, string Date, string Commit)
{
    /// <param name="commit">The version measured; null to ask git.</param>
    public static Machine Describe(string? commit) => new(
        ProcessorName(), Environment.ProcessorCount, CpuDevice.Shared.InstructionSet, SystemName(), RuntimeInformation.FrameworkDescription,
        DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", global::System.Globalization.CultureInfo.InvariantCulture), commit ?? AskGit());

    public override string ToString() => $"{Date}, commit {Commit}, {Processor} ({Cores} logical cores, {InstructionSet}), {System}, {Runtime}";

    private static string ProcessorName() => Line("/proc/cpuinfo", "model name") is { } line ? line.Split(':', 2)[1].Trim() : RuntimeInformation.ProcessArchitecture.ToString();

    private static string SystemName() => Line("/etc/os-release", "PRETTY_NAME=") is { } line ? line.Split('=', 2)[1].Trim('"') : RuntimeInformation.OSDescription;

    private static string? Line(string path, string start) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal)) : null;

    private static string AskGit()
    {
        try
        {
            ProcessStartInfo start = new("git", ["describe", "--always", "--dirty"]) { WorkingDirectory = AppContext.BaseDirectory, RedirectStandardOutput = true, RedirectStandardError = true };
            using Process git = Process.Start(start)!;
            string answer = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return answer.Length > 0 ? answer : "unknown";
        }
        catch (global::System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
