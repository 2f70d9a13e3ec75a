using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Attention of every vector width against double precision, in guarded memory. Widths that the machine lacks run in software.</summary>
public sealed class AttentionTests
{
    /// <summary>B, N, H, D: single tokens, vector edges of tokens and depth, several query blocks, the networks of the paper, runs of samples.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 1, 1, 1 }, { 1, 1, 1, 5 }, { 2, 5, 3, 8 }, { 2, 3, 2, 20 }, { 1, 16, 1, 16 }, { 3, 17, 4, 32 }, { 1, 31, 2, 33 }, { 2, 37, 3, 20 },
        { 1, 33, 1, 5 }, { 2, 65, 2, 32 }, { 1, 64, 1, 48 }, { 1, 197, 2, 64 }, { 1, 100, 1, 80 }, { 1, 257, 1, 24 }, { 1, 512, 1, 4 },
        { 19, 5, 2, 16 }, { 9, 17, 3, 20 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Forward_agrees_with_double_precision(int batch, int tokens, int heads, int depth)
    {
        AttentionProblems problems = new(batch, tokens, heads, depth);
        AssertSolves(problems.Forward(withProbabilities: false), composite: false);
        AssertSolves(problems.Forward(withProbabilities: true), composite: false);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Backward_agrees_with_double_precision(int batch, int tokens, int heads, int depth) =>
        AssertSolves(new AttentionProblems(batch, tokens, heads, depth).Backward(), composite: false);

    [Theory, InlineData(2, 5, 3, 8), InlineData(1, 37, 2, 20), InlineData(2, 65, 2, 32)]
    public void Composite_agrees_with_double_precision(int batch, int tokens, int heads, int depth)
    {
        AttentionProblems problems = new(batch, tokens, heads, depth);
        AssertSolves(problems.Forward(withProbabilities: false), composite: true);
        AssertSolves(problems.Forward(withProbabilities: true), composite: true);
        AssertSolves(problems.Backward(), composite: true);
    }

    [Fact]
    public void Every_small_number_of_tokens_agrees_with_double_precision()
    {
        using KernelBed bed = new(nameof(Vec512));
        for (int tokens = 1; tokens <= 70; tokens += 1 + (tokens / 20))
        {
            AttentionProblems problems = new(1, tokens, 2, 1 + (tokens * 7 % 40));
            bed.AssertSolves(problems.Forward(withProbabilities: true));
            bed.AssertSolves(problems.Backward());
        }
    }

    // Scores reach ±1e4: a softmax without subtraction of the largest overflows at 89.
    [Theory, InlineData(40f), InlineData(100f)]
    public void Extreme_scores_stay_exact_to_their_rounding(float spread)
    {
        AttentionProblems problems = new(1, 33, 2, 16, spread);
        AssertSolves(problems.Forward(withProbabilities: true), composite: false);
        AssertSolves(problems.Backward(), composite: false);
    }

    // A video-sized token count, once: scores of a query block leave the first-level cache.
    [Fact]
    public void Many_tokens_agree_with_double_precision()
    {
        using KernelBed bed = new(nameof(Vec512));
        AttentionProblems problems = new(1, 785, 1, 16);
        bed.AssertSolves(problems.Forward(withProbabilities: false));
        bed.AssertSolves(problems.Backward());
    }

    [Theory, InlineData(1, 197, 1, 64), InlineData(1, 65, 3, 32), InlineData(5, 17, 4, 20), InlineData(27, 9, 2, 16)]
    public void Results_do_not_depend_on_the_number_of_threads(int batch, int tokens, int heads, int depth)
    {
        AttentionProblems problems = new(batch, tokens, heads, depth);
        foreach (KernelProblem problem in new[] { problems.Forward(withProbabilities: true), problems.Backward() })
        {
            using KernelBed one = new(nameof(Vec512), threads: 1);
            float[][] expected = one.Solve(problem);
            foreach (int threads in new[] { 2, 3 })
            {
                using KernelBed bed = new(nameof(Vec512), threads);
                Assert.Equal(expected, bed.Solve(problem));
            }
        }
    }

    [Fact]
    public void Warm_calls_allocate_nothing()
    {
        using KernelBed bed = new(nameof(Vec512));
        AttentionProblems problems = new(4, 17, 4, 32);
        Assert.Equal(0, bed.AllocatedBytes(problems.Forward(withProbabilities: true)));
        Assert.Equal(0, bed.AllocatedBytes(problems.Backward()));
    }

    private static void AssertSolves(KernelProblem problem, bool composite)
    {
        foreach (string width in KernelBed.Widths)
        {
            using KernelBed bed = new(width, composite: composite);
            bed.AssertSolves(problem);
        }
    }
}
