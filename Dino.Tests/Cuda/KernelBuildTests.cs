using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>The PTX that ships is what its sources compile to, and nothing that a driver would refuse.</summary>
public sealed class KernelBuildTests
{
    public static TheoryData<string> Modules =>
        [.. typeof(KernelModules).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".ptx", StringComparison.Ordinal)).Select(name => Path.GetFileNameWithoutExtension(name))];

    [Theory]
    [MemberData(nameof(Modules))]
    public void Every_module_has_nothing_but_known_instructions(string module)
    {
        KernelLibrary library = KernelLibrary.Of(System.Text.Encoding.UTF8.GetString(KernelModules.Source(module)).TrimEnd('\0'));
        Assert.NotEmpty(library.Programs);
    }

    [ClangFact]
    public void Every_module_is_what_its_source_compiles_to()
    {
        using Process process = Process.Start(new ProcessStartInfo("bash", [Path.Combine(Kernels(), "build.sh"), "--check"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"Run Dino.Cuda/Kernels/build.sh. {output}{errors.Result}");
    }

    private static string Kernels([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "Dino.Cuda", "Kernels");
}

/// <summary>A test that compiles kernels, where clang-19 is installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ClangFactAttribute : FactAttribute
{
    public ClangFactAttribute()
    {
        string[] folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "clang-19"))))
            Skip = "clang-19 is not installed.";
    }
}
