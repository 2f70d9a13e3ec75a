using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>The DINO cross-entropy of every vector width against double precision, in guarded memory.</summary>
public sealed class DinoLossTests
{
    // Errors of exp (1 ulp) and of the scaled logits are independent from prototype to prototype and average out to 1e-7; twice 2^-24 remains for
    // the result and the temperatures.
    private const double FusedError = 3e-7;

    // The composite rounds every log-probability, of the order of the loss, four times; few targets weigh enough to average that: 8 u, u = 2^-24.
    private const double CompositeError = 5e-7;

    /// <summary>S, T, B, K: vector, block and chunk edges; more teachers than students; a single pair.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 2, 1, 1, 1 }, { 2, 2, 1, 3 }, { 6, 2, 3, 16 }, { 10, 2, 2, 65 }, { 3, 3, 2, 100 }, { 2, 4, 2, 257 }, { 1, 2, 3, 1023 }, { 4, 1, 2, 1024 },
        { 4, 2, 2, 1025 }, { 2, 2, 2, 4096 }, { 3, 2, 1, 9001 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Loss_agrees_with_double_precision(int students, int teachers, int batch, int columns)
    {
        DinoLossProblems problems = new(students, teachers, batch, columns);
        AssertSolves(problems.Forward(FusedError), composite: false);
        AssertSolves(problems.Forward(CompositeError), composite: true);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Gradient_agrees_with_double_precision(int students, int teachers, int batch, int columns)
    {
        DinoLossProblems problems = new(students, teachers, batch, columns);
        AssertSolves(problems.Backward(), composite: false);
        AssertSolves(problems.Backward(), composite: true);
    }

    // Scaled logits reach ±1e6; without a centre their differences are exact, and so is the loss.
    [Fact]
    public void Extreme_logits_over_65536_prototypes_keep_the_loss_exact()
    {
        using KernelBed bed = new(nameof(Vec512));
        DinoLossProblems problems = new(3, 2, 1, 65536, spread: 1e4f, centred: false);
        bed.AssertSolves(problems.Forward(FusedError));
        bed.AssertSolves(problems.Backward());
    }

    // Early in training all logits are nearly equal: the loss and the entropy are log K.
    [Fact]
    public void Flat_logits_give_log_of_the_number_of_prototypes()
    {
        DinoLossProblems problems = new(4, 2, 2, 4097, spread: 1e-3f);
        Assert.Equal(Math.Log(4097), problems.Forward(FusedError).Operands[3].Expected![0], 1e-2);
        AssertSolves(problems.Forward(FusedError), composite: false);
        AssertSolves(problems.Backward(), composite: false);
    }

    // Logits of trained networks lie in [-1, 1] around a common shift that the centre does not remove.
    [Fact]
    public void A_common_shift_does_not_change_the_loss()
    {
        const int students = 4, teachers = 2, batch = 2, columns = 5000;
        using KernelBed bed = new(nameof(Vec512));
        KernelProblem problem = new DinoLossProblems(students, teachers, batch, columns).Forward(FusedError);
        float expected = bed.Solve(problem)[3][0];

        // Multiples of 2^-10 stay exact in F32 when 1024 is added.
        float[][] logits = [.. problem.Operands.Take(3).Select(operand => Array.ConvertAll(operand.Values!, value => MathF.Round(value * 1024) / 1024))];
        float still = Run(bed, problem, logits);
        float shifted = Run(bed, problem, [Array.ConvertAll(logits[0], value => value + 1024), Array.ConvertAll(logits[1], value => value + 1024), logits[2]]);
        Assert.Equal(still, shifted);
        Assert.Equal(expected, still, 0.05f);
    }

    [Theory, InlineData(6, 2, 3, 9001), InlineData(2, 2, 5, 100)]
    public void Results_do_not_depend_on_the_number_of_threads(int students, int teachers, int batch, int columns)
    {
        DinoLossProblems problems = new(students, teachers, batch, columns);
        foreach (KernelProblem problem in new[] { problems.Forward(FusedError), problems.Backward() })
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
        DinoLossProblems problems = new(6, 2, 3, 5000);
        Assert.Equal(0, bed.AllocatedBytes(problems.Forward(FusedError)));
        Assert.Equal(0, bed.AllocatedBytes(problems.Backward()));
    }

    [Fact]
    public void A_single_view_makes_no_pair()
    {
        using KernelBed bed = new(nameof(Vec512));
        DinoLossProblems problems = new(1, 1, 2, 8);
        ShapeMismatchException error = Assert.Throws<ShapeMismatchException>(() => bed.Solve(problems.Backward()));
        Assert.Contains("no pair", error.Message, StringComparison.Ordinal);
    }

    private static float Run(KernelBed bed, KernelProblem problem, float[][] logits)
    {
        Operand[] operands = [.. problem.Operands.Select((operand, i) => i < logits.Length ? operand with { Values = logits[i] } : operand)];
        return bed.Solve(problem with { Operands = operands })[3][0];
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
