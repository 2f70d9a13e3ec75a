using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Optimizer steps and clipping of a CUDA device against scalar references in double precision.</summary>
public sealed class CudaOptimizerTests
{
    /// <summary>
    /// One element; short and unaligned segments; the second to fourth segment aligned, of more than a chunk, with a tail and without; chunks and their
    /// edges; more different constants than one launch takes, with segments of every length modulo four.
    /// </summary>
    private static readonly int[][] Layouts = [[1], [7, 16, 17], [1, 4999, 262, 4096, 31, 1], [4096, 3, 4097, 100, 12290, 15], [.. Enumerable.Range(1, 70)]];

    public static TheoryData<string> Operations() => [.. OptimizerProblems.All.Keys];

    [Theory, MemberData(nameof(Operations))]
    public void Kernel_agrees_with_the_reference(string operation)
    {
        using DeviceBed bed = new();
        foreach (int[] lengths in Layouts)
            bed.AssertSolves(OptimizerProblems.All[operation](lengths));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Kernel_takes_buffers_that_are_not_aligned(string operation)
    {
        using DeviceBed bed = new(skew: 1);
        bed.AssertSolves(OptimizerProblems.All[operation]([1, 4999, 262]));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Results_are_the_same_every_time(string operation)
    {
        using DeviceBed bed = new();
        KernelProblem problem = OptimizerProblems.All[operation]([9000, 3, 5000]);
        float[][] first = bed.Solve(problem), second = bed.Solve(problem);
        Assert.Equal(first, second);
    }

    [Theory, MemberData(nameof(Operations))]
    public void Warm_calls_allocate_nothing(string operation)
    {
        using DeviceBed bed = new();
        Assert.Equal(0, bed.AllocatedBytes(OptimizerProblems.All[operation]([500, 3, 40])));
    }
}
