using System.CommandLine;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino bench knn</c>: k-NN evaluation of random features.</summary>
internal static class KnnBenchmark
{
    public static Command Create()
    {
        DeviceOptions devices = new();
        Option<int> train = Options.Of("--train", "Pictures in memory.", 50_000);
        Option<int> test = Options.Of("--test", "Queries.", 10_000);
        Option<int> width = Options.Of("--width", "Width of the features.", 384);
        Option<int> classes = Options.Of("--classes", "Classes that are voted for.", 1000);
        Option<int> k = Options.Of("--k", "Neighbours that vote.", 20);
        Option<int> repeats = Options.Of("--repeats", "Timed runs after the warm-up, at least 5.", 5);
        Option<bool> json = Options.Json();
        Command command = new("knn", "Weighted k-NN evaluation of random features.") { train, test, width, classes, k, repeats, json };
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            (int memory, int queries, int columns, int kinds) = (parsed.GetValue(train), parsed.GetValue(test), parsed.GetValue(width), parsed.GetValue(classes));
            foreach ((string name, int value) in new[] { ("--train", memory), ("--test", queries), ("--width", columns), ("--classes", kinds), ("--k", parsed.GetValue(k)) })
            {
                if (value < 1)
                    throw new ArgumentException($"{name} must be positive.");
            }

            using Device device = devices.Open(parsed);
            if (parsed.GetResult(k) is { Implicit: false } && parsed.GetValue(k) > memory)
                Console.Error.WriteLine($"--k {parsed.GetValue(k)} is more than the {Wording.Count(memory, "picture")} in memory: all of them vote");
            int repetitions = BenchTiming.RaiseRepeats(parsed.GetValue(repeats));
            // The cost does not depend on what the features are, only on how many there are.
            float[] features = BenchCommand.Noise(checked(memory * columns)), questions = BenchCommand.Noise(checked(queries * columns));
            using KnnClassifier knn = new(device, features, [.. Enumerable.Range(0, memory).Select(i => i % kinds)]);
            int[] truth = [.. Enumerable.Range(0, queries).Select(i => i % kinds)];
            BenchTiming timing = BenchTiming.Of(() => knn.Evaluate(questions, truth, parsed.GetValue(k), cancellationToken: cancellation), repetitions, cancellation);
            BenchKnnOutput output = new(timing.Median, timing.Min, timing.Max, timing.PerSecond(queries), BenchTiming.PeakMemory(), timing.Repeats, memory, queries, columns, DeviceOptions.Describe(device), (device as CpuDevice)?.Threads, (device as CpuDevice)?.InstructionSet);
            if (parsed.GetValue(json))
                JsonOutput.Print(output, CliJson.Default.BenchKnnOutput);
            else
                Console.Out.WriteLine($"{timing.Median} ms (min {timing.Min}, max {timing.Max} of {timing.Repeats}), {output.QueriesPerSecond} queries/s against {memory}, width {columns}, peak memory {output.PeakMemory} MB; {output.Device}");
            return 0;
        });
    }
}
