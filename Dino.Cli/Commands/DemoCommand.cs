using System.CommandLine;
using System.Diagnostics;
using Dino.Cli.Display;
using Dino.Ssl.Demo;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino demo</c>: the whole way on pictures that the program draws itself.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        DeviceOptions devices = new();
        Option<string> output = Options.Of("--output", "Folder for pictures, weights, plots and report.html; an older demo in it is replaced.", "demo");
        Option<bool> json = Options.Flag("--json", "Print the result as one JSON object; progress goes to the error stream.");
        Command command = new("demo", "Draw 10 classes of pictures, train DINO on them, compare k-NN before and after, and write a report.") { output, json };
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            Stopwatch clock = Stopwatch.StartNew();
            bool asJson = parsed.GetValue(json);
            string folder = parsed.GetValue(output)!;
            using Device device = devices.Open(parsed);
            using TrainingDisplay display = new(asJson);
            DemoOptions demo = new();
            DemoResult result = new DemoRun(device, folder, demo).Run(display.Say, display, cancellation);
            if (asJson)
            {
                JsonOutput.Print(new DemoOutput(result.Pixels.Top1, result.Untrained.Top1, result.Trained.Top1, Math.Round(clock.Elapsed.TotalSeconds, 1), result.ReportPath), CliJson.Default.DemoOutput);
                return 0;
            }

            display.Say($"""

                20-NN top-1 accuracy ({result.Trained.Test} test pictures, 10 classes)
                  raw pixels          {result.Pixels.Top1,5:f1} %
                  untrained network   {result.Untrained.Top1,5:f1} %  (first weights of seed {demo.Dino.Seed}: knn --untrained --seed {demo.Dino.Seed})
                  trained with DINO   {result.Trained.Top1,5:f1} %
                report: {Path.GetFullPath(result.ReportPath)}  ({clock.Elapsed.TotalSeconds:f0} s)
                """);
            return 0;
        });
    }
}
