using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Rotary position embedding against a scalar reference in double precision.</summary>
public sealed class RotateTests
{
    private const int Samples = 2;
    private const int Heads = 2;

    public static TheoryData<string, bool> WidthsAndComposites()
    {
        TheoryData<string, bool> data = [];
        foreach (string width in KernelBed.Widths)
        {
            data.Add(width, false);
            data.Add(width, true);
        }

        return data;
    }

    [Theory, MemberData(nameof(WidthsAndComposites))]
    public void Kernel_agrees_with_the_reference(string width, bool composite)
    {
        using KernelBed bed = new(width, composite: composite);
        foreach (bool inverse in new[] { false, true })
        {
            foreach (int half in composite ? [1, 5, 32] : Enumerable.Range(1, 67))
                bed.AssertSolves(Problem(tokens: 5, turned: 3, half, inverse));
            foreach ((int tokens, int turned) in new[] { (1, 1), (4, 4), (4, 0), (201, 196) })
                bed.AssertSolves(Problem(tokens, turned, 8, inverse));
        }
    }

    [Theory, MemberData(nameof(WidthsAndComposites))]
    public void The_result_may_take_the_place_of_the_operand(string width, bool composite)
    {
        using KernelBed bed = new(width, composite: composite);
        KernelProblem apart = Problem(tokens: 6, turned: 5, half: 9, inverse: false);
        float[] expected = bed.Solve(apart)[2];
        KernelProblem inPlace = apart with { Run = (backend, v, _) => backend.Rotate(v[0], v[1], false, new Destination(v[0])) };
        Assert.Equal(expected, bed.Solve(inPlace)[0]);
    }

    [Fact]
    public void Result_does_not_depend_on_the_number_of_threads_and_a_warm_call_allocates_nothing()
    {
        KernelProblem problem = Problem(tokens: 201, turned: 196, half: 32, inverse: false);
        using KernelBed one = new(nameof(Vec512), 1), three = new(nameof(Vec512), 3);
        Assert.Equal(one.Solve(problem)[2], three.Solve(problem)[2]);
        Assert.Equal(0, one.AllocatedBytes(problem));
    }

    private static KernelProblem Problem(int tokens, int turned, int half, bool inverse)
    {
        ProblemBuilder problem = new($"Rotate {turned} of {tokens} tokens, heads of {2 * half}, inverse {inverse}", half);
        int row = 3 * Heads * 2 * half;
        float[] qkv = problem.Normal("qkv", [Samples, tokens, 3, Heads, 2 * half]);
        float[] turns = problem.Normal("turns", [2, turned, half]);
        (double Value, double Size) At(int i)
        {
            int token = i / row % tokens - (tokens - turned), within = i % row, j = within % (2 * half);
            if (token < 0 || within >= 2 * Heads * 2 * half)
                return (qkv[i], 0);
            bool isFirst = j < half;
            double cosine = turns[(token * half) + (j % half)], sine = turns[((turned + token) * half) + (j % half)] * (inverse == isFirst ? 1 : -1);
            double along = qkv[i] * cosine, across = qkv[i + (isFirst ? half : -half)] * sine;
            return (along + across, Math.Abs(along) + Math.Abs(across));
        }

        problem.Gradient("y", [Samples, tokens, 3, Heads, 2 * half], i => At(i).Value, i => 4 * ProblemBuilder.Unit * At(i).Size);
        return problem.Build((backend, v, accumulate) => backend.Rotate(v[0], v[1], inverse, new Destination(v[2], accumulate)));
    }
}
