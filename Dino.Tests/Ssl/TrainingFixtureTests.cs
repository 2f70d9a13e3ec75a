using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>
/// Thirty steps against the official training loop: loss, schedules, gradient norms, centre and weights at every recorded point. The bounds are in
/// the files: four times the drift between float32 runs of the official code that start one ulp apart.
/// </summary>
public class TrainingFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(Traces("d_train").Concat(Traces("d_train_drawn")), Devices.Main);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Thirty_steps_follow_the_official_run(string id, string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        Run(id, device);
    }

    private static IEnumerable<string> Traces(string group) =>
        FixtureStore.Names(group).Where(name => name.EndsWith("/trace", StringComparison.Ordinal)).Select(name => $"{group}/{name}");

    private static void Run(string id, Device device)
    {
        using FixtureCase trace = FixtureStore.Open(id);
        string group = id[..id.IndexOf('/', StringComparison.Ordinal)], folder = id[(group.Length + 1)..id.LastIndexOf('/')];
        string groupFolder = FixtureStore.Groups[group];
        using FixtureCase crops = FixtureStore.Open($"{group}/crops");
        GoldenRun golden = new(trace, crops, group, folder);
        using DinoTrainer trainer = golden.CreateTrainer(device);

        for (int step = 0; step < golden.Steps; step++)
        {
            golden.BeginStep(trainer, step);
            trainer.AfterBackward = _ => golden.CheckGradients(trainer, step);
            StepReport report = trainer.Step(golden.Views(step), golden.Batch);
            golden.CheckStep(trainer, step, report);
        }

        golden.CheckFinal(trainer);
    }
}
