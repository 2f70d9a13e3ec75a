using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>The DINO cross-entropy of a CUDA device against double precision.</summary>
public sealed class CudaDinoLossTests
{
    // As on the CPU: errors of exp and of the scaled logits average out to 1e-7; twice 2^-24 remains for the result and the temperatures.
    private const double Error = 3e-7;

    /// <summary>S, T, B, K: columns in threes and fours; edges of a thread's columns, of a warp's and of a chunk; more teachers than students; one pair.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 2, 1, 1, 1 }, { 2, 2, 1, 3 }, { 6, 2, 3, 16 }, { 3, 3, 2, 100 }, { 2, 4, 2, 257 }, { 10, 2, 1, 1000 }, { 1, 2, 3, 1023 }, { 4, 2, 2, 2052 },
        { 2, 2, 2, 4096 }, { 4, 1, 2, 4099 }, { 3, 2, 1, 9001 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Loss_and_gradient_agree_with_double_precision(int students, int teachers, int batch, int columns)
    {
        using DeviceBed bed = new();
        DinoLossProblems problems = new(students, teachers, batch, columns);
        bed.AssertSolves(problems.Forward(Error));
        bed.AssertSolves(problems.Backward());
    }

    [Fact]
    public void Logits_need_not_be_aligned()
    {
        using DeviceBed bed = new(skew: 3);
        DinoLossProblems problems = new(3, 2, 2, 4100);
        bed.AssertSolves(problems.Forward(Error));
        bed.AssertSolves(problems.Backward());
    }

    // Scaled logits reach ±1e6; without a centre their differences are exact, and so is the loss.
    [Fact]
    public void Extreme_logits_over_65536_prototypes_keep_the_loss_exact()
    {
        using DeviceBed bed = new();
        DinoLossProblems problems = new(3, 2, 1, 65536, spread: 1e4f, centred: false);
        bed.AssertSolves(problems.Forward(Error));
        bed.AssertSolves(problems.Backward());
    }

    // Early in training all logits are nearly equal: the loss and the entropy are log K.
    [Fact]
    public void Flat_logits_give_log_of_the_number_of_prototypes()
    {
        using DeviceBed bed = new();
        DinoLossProblems problems = new(4, 2, 2, 4097, spread: 1e-3f);
        bed.AssertSolves(problems.Forward(Error));
        bed.AssertSolves(problems.Backward());
    }

    // More rows than the last kernel has threads.
    [Fact]
    public void Many_samples_are_added_up()
    {
        using DeviceBed bed = new();
        bed.AssertSolves(new DinoLossProblems(3, 1, 350, 5).Forward(Error));
    }

    [Fact]
    public void Results_are_the_same_every_time()
    {
        using DeviceBed bed = new();
        DinoLossProblems problems = new(4, 2, 2, 5000);
        Assert.Equal(bed.Solve(problems.Forward(Error)), bed.Solve(problems.Forward(Error)));
        Assert.Equal(bed.Solve(problems.Backward()), bed.Solve(problems.Backward()));
    }

    [Fact]
    public void Warm_calls_allocate_nothing()
    {
        using DeviceBed bed = new();
        DinoLossProblems problems = new(4, 2, 2, 100);
        Assert.Equal(0, bed.AllocatedBytes(problems.Forward(Error)));
        Assert.Equal(0, bed.AllocatedBytes(problems.Backward()));
    }
}
