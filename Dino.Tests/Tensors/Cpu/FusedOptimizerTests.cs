using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Optimizer and clipping kernels against scalar references in double precision.</summary>
public sealed class FusedOptimizerTests
{
    private static readonly int[][] Layouts = [[1], [7, 16, 17], [5, 257, 64, 1000, 31, 1], [16384, 3, 16385, 100, 70000, 15], [.. Enumerable.Range(1, 200)]];

    public static TheoryData<string, string> OperationsAndWidths()
    {
        TheoryData<string, string> data = [];
        foreach (string operation in OptimizerProblems.All.Keys)
        {
            foreach (string width in KernelBed.Widths)
                data.Add(operation, width);
        }

        return data;
    }

    public static TheoryData<string> Operations() => [.. OptimizerProblems.All.Keys];

    [Theory, MemberData(nameof(OperationsAndWidths))]
    public void Fused_kernel_agrees_with_the_reference(string operation, string width)
    {
        using KernelBed bed = new(width);
        foreach (int[] lengths in Layouts)
            bed.AssertSolves(OptimizerProblems.All[operation](lengths));
    }

    [Theory, MemberData(nameof(OperationsAndWidths))]
    public void Composite_agrees_with_the_reference(string operation, string width)
    {
        using KernelBed bed = new(width, composite: true);
        foreach (int[] lengths in Layouts)
            bed.AssertSolves(OptimizerProblems.All[operation](lengths));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Result_does_not_depend_on_the_number_of_threads(string operation)
    {
        KernelProblem problem = OptimizerProblems.All[operation]([100000, 3, 50000, 384]);
        float[][]? expected = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using KernelBed bed = new(nameof(Vec512), threads);
            float[][] actual = bed.Solve(problem);
            expected ??= actual;
            for (int k = 0; k < actual.Length; k++)
                Assert.True(expected[k].AsSpan().SequenceEqual(actual[k]), $"{operation}: {problem.Operands[k].Name} differs with {threads} threads.");
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Warm_call_allocates_nothing(string operation)
    {
        using KernelBed bed = new(nameof(Vec512));
        Assert.Equal(0, bed.AllocatedBytes(OptimizerProblems.All[operation]([100000, 3, 50000, 384])));
    }
}
