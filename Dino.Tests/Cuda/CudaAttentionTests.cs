using Dino.Cuda;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Attention of a CUDA device against double precision: the edges of its tiles, depths that fill a kernel and that do not, every precision.</summary>
public sealed class CudaAttentionTests
{
    /// <summary>B, N, H, D.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 1, 1, 4 }, { 2, 5, 3, 16 }, { 1, 17, 2, 32 }, { 2, 37, 1, 20 }, { 1, 50, 2, 64 }, { 1, 64, 1, 48 }, { 1, 65, 1, 8 }, { 1, 33, 1, 80 }, { 1, 70, 1, 128 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Forward_agrees_with_double_precision(int batch, int tokens, int heads, int depth)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            AttentionProblems problems = new(batch, tokens, heads, depth, operandError: CudaMatMulTests.OperandError(precision));
            bed.AssertSolves(problems.Forward(withProbabilities: false));
            bed.AssertSolves(problems.Forward(withProbabilities: true));
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Backward_agrees_with_double_precision(int batch, int tokens, int heads, int depth)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            bed.AssertSolves(new AttentionProblems(batch, tokens, heads, depth, operandError: CudaMatMulTests.OperandError(precision)).Backward());
        }
    }

    // The network of the paper; and heads that there are no kernels for, which are composed of products.
    [Theory, InlineData(197, 64), InlineData(9, 132), InlineData(9, 7)]
    public void Long_and_deep_and_odd_heads_agree_with_double_precision(int tokens, int depth)
    {
        using DeviceBed bed = new();
        AttentionProblems problems = new(1, tokens, 1, depth);
        bed.AssertSolves(problems.Forward(withProbabilities: false));
        bed.AssertSolves(problems.Backward());
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Operands_need_not_be_aligned(int skew)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(skew, precision);
            AttentionProblems problems = new(1, 19, 2, 24, operandError: CudaMatMulTests.OperandError(precision));
            bed.AssertSolves(problems.Forward(withProbabilities: true));
            bed.AssertSolves(problems.Backward());
        }
    }

    // Scores reach ±1e4: a softmax without subtraction of the largest overflows at 89.
    [Theory, InlineData(40f), InlineData(100f)]
    public void Extreme_scores_stay_exact_to_their_rounding(float spread)
    {
        using DeviceBed bed = new();
        AttentionProblems problems = new(1, 70, 2, 16, spread);
        bed.AssertSolves(problems.Forward(withProbabilities: true));
        bed.AssertSolves(problems.Backward());
    }

    [Fact]
    public void Results_are_the_same_every_time()
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            AttentionProblems problems = new(1, 70, 2, 16);
            Assert.Equal(bed.Solve(problems.Forward(withProbabilities: true)), bed.Solve(problems.Forward(withProbabilities: true)));
            Assert.Equal(bed.Solve(problems.Backward()), bed.Solve(problems.Backward()));
        }
    }

    [Fact]
    public void A_warm_call_allocates_nothing()
    {
        using DeviceBed bed = new();
        AttentionProblems problems = new(1, 5, 2, 16);
        Assert.Equal(0, bed.AllocatedBytes(problems.Forward(withProbabilities: true)));
        Assert.Equal(0, bed.AllocatedBytes(problems.Backward()));
    }
}
