using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>Our side of a row: a process that warms up, says ready, and repeats its work whenever the runner asks.</summary>
internal static class OwnContender
{
    private const double WarmUpSeconds = 1;
    private const int WarmUps = 2;

    /// <summary>A repetition that is over sooner is timed in groups: the clock and the loop must not count.</summary>
    private const double ShortestSample = 0.002;

    /// <summary>Runs one workload: its name, its arguments.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments is ["first-embedding", string architecture, string weights, string threads])
            return FirstEmbedding.Run(architecture, weights, Number(threads));
        // Ctrl-C is the runner's to handle: it ends its contenders.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using IWorkload workload = Create(arguments);
        Serve(workload);
        return 0;
    }

    private static IWorkload Create(string[] arguments) => arguments switch
    {
        ["gemm", var kind, var m, var n, var k, var batch, var threads] => new GemmWorkload(kind, Number(m), Number(n), Number(k), Number(batch), Number(threads)),
        ["packed", var m, var n, var k, var threads] => new PackedWorkload(Number(m), Number(n), Number(k), Number(threads)),
        ["forward", var architecture, var batch, var device, var weights, var format] => new ForwardWorkload(architecture, Number(batch), device, weights, Enum.Parse<WeightFormat>(format)),
        ["train", var architecture, var prototypes, var batch, var device] => new TrainWorkload(architecture, Number(prototypes), Number(batch), device),
        ["pictures", var job, var folder] => new PictureWorkload(job, folder),
        ["views", var pictures, var device] => new ViewsWorkload(Number(pictures), device),
        ["knn", var folder, var threads] => new KnnWorkload(folder, Number(threads)),
        ["kernel", var name, var threads] => new KernelWorkload(Enum.Parse<Kernel>(name), Number(threads)),
        ["peak", var threads] => new PeakWorkload(Number(threads)),
        ["stream", var traffic, var floats, var threads] => new StreamWorkload(Enum.Parse<Traffic>(traffic), Number(floats), Number(threads)),
        _ => throw new ArgumentException($"There is no workload '{string.Join(' ', arguments)}'."),
    };

    private static void Serve(IWorkload workload)
    {
        workload.Run();
        double[] check = workload.Check();
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < WarmUps || Seconds(begin) < WarmUpSeconds; i++)
            workload.Run();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $$"""ready {"version": ".NET {{Environment.Version}}, {{CpuDevice.Shared.InstructionSet}}", "check": [{{string.Join(", ", check.Select(Text))}}]}"""));
        while (Console.In.ReadLine() is { } line && line != "quit")
        {
            List<double> samples = Measure(workload, double.Parse(line.AsSpan("run ".Length), CultureInfo.InvariantCulture));
            Console.Out.WriteLine($"[{string.Join(", ", samples.Select(Text))}]");
        }
    }

    private static List<double> Measure(IWorkload workload, double limit)
    {
        long begin = Stopwatch.GetTimestamp();
        workload.Run();
        int group = Math.Max(1, (int)(ShortestSample / Seconds(begin)));
        List<double> samples = [];
        begin = Stopwatch.GetTimestamp();
        while (samples.Count == 0 || Seconds(begin) < limit)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < group; i++)
                workload.Run();
            samples.Add(Seconds(start) / group);
        }

        return samples;
    }

    private static double Seconds(long start) => Stopwatch.GetElapsedTime(start).TotalSeconds;

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
