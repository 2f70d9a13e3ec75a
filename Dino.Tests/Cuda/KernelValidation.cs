using Dino.Cuda.Native;

namespace Dino.Tests.Cuda;

/// <summary>Which kernel modules the driver of a GPU has compiled in the form they have now, by the hashes in docs/gpu-results.md.</summary>
internal static class KernelValidation
{
    /// <summary>A line for the summary of the tests.</summary>
    public static string Summary()
    {
        string[] missing = [.. ModuleReport.Modules.Where(module => !Document().Contains(ModuleReport.HashOf(module), StringComparison.Ordinal))];
        return $"kernel modules not yet validated on a device: {missing.Length} of {ModuleReport.Modules.Count}{(missing.Length == 0 ? "" : $" ({string.Join(", ", missing)})")}\n";
    }

    private static string Document()
    {
        using Stream stream = typeof(KernelValidation).Assembly.GetManifestResourceStream("gpu-results.md")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
