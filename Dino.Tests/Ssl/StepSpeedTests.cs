using Dino.Ssl.Training;

namespace Dino.Tests.Ssl;

/// <summary>The first step of a process, many times as long as the others, does not spoil the estimate of the time left.</summary>
public sealed class StepSpeedTests
{
    [Fact]
    public void The_first_estimate_comes_after_three_steps_and_leaves_the_first_step_out()
    {
        StepSpeed speed = new();
        Assert.Null(speed.TimeFor(100));
        speed.Add(30);
        // Until there is another it is all that is known of the speed.
        Assert.Equal(30, speed.SecondsPerStep);
        Assert.Null(speed.TimeFor(100));
        foreach (double seconds in (double[])[1, 2])
        {
            speed.Add(seconds);
            Assert.Null(speed.TimeFor(100));
        }

        speed.Add(3);
        Assert.Equal(2, speed.SecondsPerStep, 1e-12);
        Assert.Equal(TimeSpan.FromSeconds(200), speed.TimeFor(100));
    }

    [Fact]
    public void Later_estimates_follow_about_the_last_twenty_steps()
    {
        StepSpeed speed = new();
        for (int step = 0; step < 100; step++)
            speed.Add(1);
        for (int step = 0; step < 20; step++)
            speed.Add(3);
        // 0.95^20 = 0.36 of the weight is left to the old speed.
        Assert.Equal(3 - (2 * Math.Pow(0.95, 20)), speed.SecondsPerStep, 1e-9);
    }

    [Fact]
    public void A_run_without_steps_left_is_done_however_short_it_was()
    {
        StepSpeed speed = new();
        speed.Add(5);
        Assert.Equal(TimeSpan.Zero, speed.TimeFor(0));
    }

    [Fact]
    public void A_run_reports_no_time_left_before_its_fourth_step()
    {
        using TinyRun tiny = new();
        List<bool> known = [];
        TinyRun.Train(tiny.Options("run"), watch: progress => known.Add(progress.Remaining is not null));
        Assert.Equal([false, false, false, true], known[..4]);
        Assert.All(known[4..], Assert.True);
    }
}
