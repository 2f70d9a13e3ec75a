using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Row and column kernels against scalar references in double precision.</summary>
public sealed class FusedRowTests
{
    private static readonly Dictionary<string, Func<int, int, KernelProblem>> Problems = RowProblems.All.Concat(NormProblems.All).ToDictionary();

    public static TheoryData<string, string> OperationsAndWidths()
    {
        TheoryData<string, string> data = [];
        foreach (string operation in Problems.Keys)
        {
            foreach (string width in KernelBed.Widths)
                data.Add(operation, width);
        }

        return data;
    }

    public static TheoryData<string> Operations() => [.. Problems.Keys];

    [Theory, MemberData(nameof(OperationsAndWidths))]
    public void Fused_kernel_agrees_with_the_reference_for_every_row_length(string operation, string width)
    {
        using KernelBed bed = new(width);
        foreach (int columns in Columns())
            bed.AssertSolves(Problems[operation](3, columns));
    }

    [Theory, MemberData(nameof(OperationsAndWidths))]
    public void Fused_kernel_agrees_with_the_reference_over_many_rows(string operation, string width)
    {
        using KernelBed bed = new(width);
        // One tile, several, and a last one that is short; enough rows for the four-row loops and their rests.
        foreach ((int rows, int columns) in new[] { (1, 70), (2, 5), (33, 48), (70, 1000), (599, 100), (2051, 17) })
            bed.AssertSolves(Problems[operation](rows, columns));
    }

    [Theory, MemberData(nameof(OperationsAndWidths))]
    public void Composite_agrees_with_the_reference(string operation, string width)
    {
        using KernelBed bed = new(width, composite: true);
        foreach ((int rows, int columns) in new[] { (1, 1), (3, 5), (2, 64), (70, 384), (599, 100) })
            bed.AssertSolves(Problems[operation](rows, columns));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Result_does_not_depend_on_the_number_of_threads(string operation)
    {
        KernelProblem problem = Problems[operation](643, 384);
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
        Assert.Equal(0, bed.AllocatedBytes(Problems[operation](643, 384)));
    }

    [Fact]
    public void Layer_norm_keeps_a_small_variance_beside_a_large_mean()
    {
        // Deviations of 0.01 around 1000 are 160 units in the last place of x; the fused kernel shows no rounding of the mean at all.
        foreach (string width in KernelBed.Widths)
        {
            using KernelBed bed = new(width);
            foreach (int columns in new[] { 12, 384, 4097 })
                bed.AssertSolves(NormProblems.LayerNorm(5, columns, affine: true, offset: 1000, deviation: 0.01, meanError: 0));
        }
    }

    [Fact]
    public void Batch_norm_keeps_a_small_variance_beside_a_large_mean()
    {
        foreach (string width in KernelBed.Widths)
        {
            using KernelBed bed = new(width);
            foreach ((int rows, int columns) in new[] { (12, 3), (2051, 33), (640, 100) })
                bed.AssertSolves(NormProblems.BatchNorm(rows, columns, affine: true, offset: 1000, deviation: 0.01));
        }
    }

    private static IEnumerable<int> Columns() => Enumerable.Range(1, 257).Concat([384, 1000, 4096]);
}
