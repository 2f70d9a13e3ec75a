using System.CommandLine;
using Dino.Cli.Display;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino train</c>: from a folder of pictures to weights.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        TrainOptions options = new();
        DeviceOptions devices = new();
        Option<bool> json = Options.Flag("--json", "Print the result as one JSON object; progress goes to the error stream.");
        Command command = new("train", "Train a vision transformer or a ResNet with DINO on a folder of pictures. Labels are not needed.") { json };
        options.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            RunOptions run = options.Resolve(parsed);
            run.Validate();
            if (!run.Resume && File.Exists(Path.Combine(run.Output, Checkpoint.FileName)))
                throw new ArgumentException($"'{run.Output}' already holds a run. Add --resume to continue it, or choose another --output.");
            using Device device = devices.Open(parsed);
            bool asJson = parsed.GetValue(json);
            using TrainingDisplay display = new(asJson);
            using TrainingRun training = new(device, run, skipped => display.Say(LeftOut.Line(skipped, run.Data)))
            {
                OnWarning = warning => display.Say($"warning: {warning}"),
            };
            MemoryEstimate.Require(run, training.Trainer.Student.Store.Count, DeviceOptions.MemoryOf(device));
            display.Say(Describe(training, run, device));
            TrainingResult result = training.Run(display, cancellation);
            display.End();
            Report(result, training, run, display, asJson);
            return 0;
        });
    }

    private static string Describe(TrainingRun training, RunOptions run, Device device)
    {
        string start = training.Trainer.StepIndex > 0 ? $"resuming at step {training.Trainer.StepIndex}" : "starting";
        return $"{start}: {NetworkOutput.Of(run.Dino.Network)}, {training.Trainer.Student.Store.Count / 1e6:f1} M parameters, K = {run.Dino.Head.Prototypes}; " +
            $"{Wording.Count(training.Trainer.Schedules.IterationsPerEpoch, "step")} of {Wording.Count(run.Dino.BatchSize, "picture")}{(run.Accumulate > 1 ? $" in {run.Accumulate} parts" : "")} an epoch; {DeviceOptions.Describe(device)}";
    }

    private static void Report(TrainingResult result, TrainingRun training, RunOptions run, TrainingDisplay display, bool asJson)
    {
        StepReport? last = display.Last?.Report;
        if (!result.Completed)
            display.Say($"stopped at step {result.Step} of {training.Trainer.Schedules.Steps}; continue with --resume");
        if (asJson)
        {
            JsonOutput.Print(new TrainOutput(result.Completed, result.Step, training.Trainer.Schedules.Steps, last?.Loss, last?.TeacherEntropy, last?.Divergence, result.Skipped.Count, run.Output), CliJson.Default.TrainOutput);
            return;
        }

        if (result.Skipped.Count > 0)
            display.Say($"{Wording.Count(result.Skipped.Count, "unusable picture was", "unusable pictures were")} left out");
        if (result.Completed)
            display.Say($"done: {Path.Combine(run.Output, "teacher.safetensors")} (and student, checkpoint, log.jsonl)");
    }
}
