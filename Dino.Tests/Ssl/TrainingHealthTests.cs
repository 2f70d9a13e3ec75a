using Dino.Ssl.Training;

namespace Dino.Tests.Ssl;

public sealed class TrainingHealthTests
{
    [Fact]
    public void A_loss_that_stands_at_uniform_targets_names_the_temperature_to_lower()
    {
        string warning = Assert.Single(TrainingHealth.Check(Math.Log(1024) - 0.001, Math.Log(1024) - 0.002, 1024));
        Assert.Contains("ln K = 6.931", warning, StringComparison.Ordinal);
        Assert.Contains("--teacher-temp", warning, StringComparison.Ordinal);
        Assert.Contains("--out-dim", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void One_prototype_for_all_pictures_names_the_temperature_to_raise()
    {
        string warning = Assert.Single(TrainingHealth.Check(0.001, 0.0005, 1024));
        Assert.Contains("same prototype", warning, StringComparison.Ordinal);
        Assert.Contains("Raise --teacher-temp", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6.93, 0.8)]  // the first epoch: the student is uniform, the targets are not
    [InlineData(6.93, 6.5)]  // targets that are broad, yet say something
    [InlineData(3.2, 2.9)]   // a run that learns
    [InlineData(2.0, 0.001)] // sharp targets that the student does not meet
    public void A_run_that_learns_is_not_warned_of(double loss, double entropy) => Assert.Empty(TrainingHealth.Check(loss, entropy, 1024));

    [Fact]
    public void Warnings_reach_the_log_and_the_run()
    {
        using TinyRun tiny = new();
        // A temperature this high makes every target uniform.
        RunOptions options = tiny.Options("run") with { Dino = TinyRun.Dino with { Epochs = 1, TeacherTemperature = 1000, WarmupTeacherTemperature = 1000, StudentTemperature = 1000 } };
        using Dino.Tensors.CpuDevice device = new(1);
        using TrainingRun run = new(device, options);
        run.Run();
        string warning = Assert.Single(run.Warnings);
        Assert.Equal(warning, (string)TinyRun.Log(options.Output)[^1]["warnings"]![0]!);
    }
}
