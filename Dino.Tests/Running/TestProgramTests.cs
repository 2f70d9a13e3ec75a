using Xunit.Sdk;

namespace Dino.Tests.Running;

/// <summary>The tests as a program: what runs is counted, and what fails is heard.</summary>
public sealed class TestProgramTests
{
    [Fact]
    public void Tests_are_chosen_by_their_names()
    {
        using TestRun run = new();
        TestProgram.Run(run, test => test.DisplayName.Contains(nameof(Cuda.ProductPlanTests), StringComparison.Ordinal));
        int chosen = run.Found.Count(test => test.DisplayName.Contains(nameof(Cuda.ProductPlanTests), StringComparison.Ordinal));
        Assert.InRange(chosen, 2, run.Found.Count - 1);
        Assert.Equal((chosen, 0, 0), (run.Passed, run.Failed, run.Skipped));
    }

    [Fact]
    public void Failures_around_tests_count()
    {
        using TestRun run = new();
        run.OnMessage(new ErrorMessage([], new TimeoutException("too late")));
        Assert.Equal((0, 1, 0), (run.Passed, run.Failed, run.Skipped));
    }

    [Theory, InlineData("--filter", "x"), InlineData("--only"), InlineData("--only", "x", "y")]
    public void A_wrong_call_runs_nothing(params string[] arguments) => Assert.Equal(2, TestProgram.Main(arguments));
}
