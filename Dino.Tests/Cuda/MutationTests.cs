using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>Damage to the kernels that ship has to be noticed: either the emulator objects, or a result differs.</summary>
public sealed class MutationTests
{
    /// <summary>Barriers that nobody misses, at most so many in a kernel: most come from shared functions, which have them for other kernels.</summary>
    private static readonly (string Kernels, int Barriers)[] Spare =
    [
        // A sum over a block begins with a barrier, so that its memory may be used again; the first sum in it is no second use.
        ("_block(_wide|_held)?$", 2),
        ("^(chunk|lars|dino)_|^crop_colors$", 1),
        // A sum over groups too, and it ends with one, so that all groups get it; where only the first goes on, the warp that reads is the one that wrote.
        ("^(reduce_columns|layer_norm_(inner_)?sums|batch_norm_sums|fold_sums|batch_norm_m)", 2),
        // Several warps join places only of rows of more than 8 million elements.
        ("^reduce_rows_best$", 1),
    ];

    public static TheoryData<string> Names => [.. MutationExample.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Damaged_kernels_are_noticed(string name)
    {
        MutationExample example = MutationExample.All[name];
        string[] modules = Modules();
        Dictionary<string, List<(Work Work, float[][] Expected)>> byKernel = [];
        foreach (Work work in example.Works)
        {
            EmulatedMachine machine = new();
            float[][] expected = Run(work, example, machine);
            foreach (string kernel in machine.Kernels)
                (byKernel.TryGetValue(kernel, out List<(Work, float[][])>? works) ? works : byKernel[kernel] = []).Add((work, expected));
        }

        int count = 0;
        List<string> complaints = [];
        foreach ((string kernel, List<(Work Work, float[][] Expected)> works) in byKernel)
        {
            string text = modules.Single(text => text.Contains($".entry {kernel}(", StringComparison.Ordinal));
            PtxMutation[] mutations = [.. PtxMutations.Of(text, kernel)];
            string[] unnoticed = [.. mutations.Where(mutation => !works.Any(item => IsNoticed(item.Work, item.Expected, example, text, mutation))).Select(mutation => mutation.Description)];
            count += mutations.Length;
            int spare = Spare.FirstOrDefault(spare => Regex.IsMatch(kernel, spare.Kernels)).Barriers;
            if (unnoticed.Length > spare || unnoticed.Any(mutation => !mutation.Contains("'bar.sync", StringComparison.Ordinal)))
                complaints.AddRange(unnoticed);
        }

        Assert.True(count > 0, $"No kernel of '{name}' has anything to damage.");
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    [Fact]
    public void Every_kernel_with_a_barrier_is_damaged_in_some_example()
    {
        HashSet<string> covered = [];
        foreach (MutationExample example in MutationExample.All.Values)
        {
            foreach (Work work in example.Works)
            {
                EmulatedMachine machine = new();
                Run(work, example, machine);
                covered.UnionWith(machine.Kernels);
            }
        }

        string[] missing = [.. Modules().SelectMany(PtxMutations.KernelsWithBarriers).Where(kernel => !covered.Contains(kernel))];
        Assert.True(missing.Length == 0, $"No example of {nameof(MutationExample)} runs {string.Join(", ", missing)}.");
    }

    private static bool IsNoticed(Work work, float[][] expected, MutationExample example, string text, PtxMutation mutation)
    {
        try
        {
            float[][] found = Run(work, example, new EmulatedMachine { Edit = loaded => loaded == text ? mutation.Text : loaded });
            return expected.Zip(found).Any(pair => !MemoryMarshal.AsBytes(pair.First.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(pair.Second.AsSpan())));
        }
        catch (CudaException)
        {
            return true;
        }
    }

    private static float[][] Run(Work work, MutationExample example, EmulatedMachine machine)
    {
        using DeviceBed bed = new(new CudaDevice(CudaDevices.Find(new EmulatedHost(machine)), 0, example.Precision), example.Skew);
        return work(bed);
    }

    private static string[] Modules() =>
        [.. typeof(KernelModules).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".ptx", StringComparison.Ordinal))
            .Select(name => Encoding.UTF8.GetString(KernelModules.Source(Path.GetFileNameWithoutExtension(name))).TrimEnd('\0'))];
}
