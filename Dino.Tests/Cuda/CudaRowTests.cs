using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Row and column kernels of the CUDA backend against scalar references in double precision, within the bounds of the CPU's.</summary>
public sealed class CudaRowTests
{
    private static readonly Dictionary<string, Func<int, int, KernelProblem>> Problems = RowProblems.All.Concat(NormProblems.All).ToDictionary();

    public static TheoryData<string> Operations() => [.. Problems.Keys];

    [Theory, MemberData(nameof(Operations))]
    public void Rows_of_any_length_agree_with_the_reference(string operation)
    {
        using DeviceBed bed = new();
        // Less than a warp and a little more, every way to hold a row, and what no register holds.
        foreach (int columns in new[] { 1, 2, 3, 4, 5, 31, 32, 33, 64, 127, 128, 192, 257, 384, 512, 516, 1000, 1024, 1025, 1028, 4096, 4099, 4100, 16388 })
            bed.AssertSolves(Problems[operation](3, columns));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Many_rows_agree_with_the_reference(string operation)
    {
        using DeviceBed bed = new();
        // One tile, several and a last one that is short; columns that fill no warp, and several tiles of columns.
        foreach ((int rows, int columns) in new[] { (1, 70), (2, 5), (33, 48), (65, 132), (70, 1000), (599, 100), (2051, 17), (4200, 4), (8300, 1) })
            bed.AssertSolves(Problems[operation](rows, columns));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Rows_that_begin_anywhere_agree_with_the_reference(string operation)
    {
        using DeviceBed bed = new(skew: 1);
        foreach ((int rows, int columns) in new[] { (1, 1), (5, 32), (33, 192), (70, 384), (3, 1028), (2, 4100) })
            bed.AssertSolves(Problems[operation](rows, columns));
    }

    [Theory, MemberData(nameof(Operations))]
    public void Results_repeat_to_the_bit(string operation)
    {
        KernelProblem problem = Problems[operation](261, 200);
        using DeviceBed bed = new();
        float[][] first = bed.Solve(problem, accumulate: false), second = bed.Solve(problem, accumulate: false);
        for (int k = 0; k < first.Length; k++)
            Assert.True(first[k].AsSpan().SequenceEqual(second[k]), $"{operation}: {problem.Operands[k].Name} differs.");
    }

    [Theory, MemberData(nameof(Operations))]
    public void Warm_call_allocates_nothing(string operation)
    {
        using DeviceBed bed = new();
        foreach ((int rows, int columns) in new[] { (261, 200), (3, 4099) })
            Assert.Equal(0, bed.AllocatedBytes(Problems[operation](rows, columns)));
    }

    [Fact]
    public void A_small_variance_beside_a_large_mean_is_kept()
    {
        using DeviceBed bed = new();
        foreach (int columns in new[] { 12, 384, 1028, 4097 })
            bed.AssertSolves(NormProblems.LayerNorm(5, columns, affine: true, offset: 1000, deviation: 0.01, meanError: 0));
        foreach ((int rows, int columns) in new[] { (12, 3), (2051, 33), (640, 100) })
            bed.AssertSolves(NormProblems.BatchNorm(rows, columns, affine: true, offset: 1000, deviation: 0.01));
    }

    [Theory]
    [InlineData(192)]
    [InlineData(193)]
    [InlineData(1028)]
    public void Gradients_that_nobody_wants_are_left_out(int columns)
    {
        const int Rows = 37;
        using DeviceBed bed = new();
        ProblemBuilder random = new("values", columns);
        Shape matrix = [Rows, columns], row = [columns];
        float[] x = random.Draw(matrix, 0.5, 1), dy = random.Draw(matrix, 0, 1), gamma = random.Draw(row, 1, 0.5);
        foreach (bool isBatch in new[] { false, true })
        {
            Shape lines = isBatch ? row : [Rows];
            float[] mean = random.Draw(lines, 0.5, 0.1), spread = [.. random.Draw(lines, 1, 0.1).Select(Math.Abs)];
            float[][] all = Gradients(true, true, true);
            for (int wanted = 0; wanted < 8; wanted++)
            {
                float[][] some = Gradients((wanted & 1) != 0, (wanted & 2) != 0, (wanted & 4) != 0);
                for (int k = 0; k < 3; k++)
                {
                    // Other kernels than those for all three, hence another order of sums of up to 1028 terms of size 1.
                    for (int i = 0; (wanted & (1 << k)) != 0 && i < some[k].Length; i++)
                        Assert.Equal(all[k][i], some[k][i], 2e-5);
                }
            }

            float[][] Gradients(bool wantsX, bool wantsGamma, bool wantsBeta)
            {
                View vx = bed.Write(x, matrix), vdy = bed.Write(dy, matrix), vgamma = bed.Write(gamma, row), vmean = bed.Write(mean, lines), vspread = bed.Write(spread, lines);
                View dx = bed.Write(default, matrix), dgamma = bed.Write(default, row), dbeta = bed.Write(default, row);
                (Destination toX, Destination toGamma, Destination toBeta) = (Wanted(dx, wantsX), Wanted(dgamma, wantsGamma), Wanted(dbeta, wantsBeta));
                if (isBatch)
                    bed.Backend.BatchNormBackward(vx, vgamma, vmean, vspread, 1e-5f, vdy, toX, toGamma, toBeta);
                else
                    bed.Backend.LayerNormBackward(vx, vgamma, vmean, vspread, vdy, toX, toGamma, toBeta);
                float[][] results = [bed.Read<float>(dx), bed.Read<float>(dgamma), bed.Read<float>(dbeta)];
                bed.Release();
                return results;
            }
        }

        static Destination Wanted(View view, bool isWanted) => isWanted ? new Destination(view) : Destination.None;
    }

    [Fact]
    public void Parameter_gradients_over_no_rows_are_zero()
    {
        using DeviceBed bed = new();
        View x = bed.Take([0, 8]), mean = bed.Take([0]), gamma = bed.Write([1, 1, 1, 1, 1, 1, 1, 1], [8]), dgamma = bed.Write(default, [8]), dbeta = bed.Write(default, [8]);
        bed.Backend.LayerNormBackward(x, gamma, mean, mean, x, new Destination(x), new Destination(dgamma), new Destination(dbeta));
        Assert.All(bed.Read<float>(dgamma), value => Assert.Equal(0f, value));
        Assert.All(bed.Read<float>(dbeta), value => Assert.Equal(0f, value));
    }
}
