using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;
using Dino.Benchmarks.Peers;
using Dino.Benchmarks.Peers.Own;

namespace Dino.Benchmarks;

/// <summary>Runs every benchmark once with every set of parameters, and one comparison, without judging any time: what does not run is found before somebody wants to measure.</summary>
internal static class Smoke
{
    public static int Run()
    {
        long start = Stopwatch.GetTimestamp();
        int runs = 0;
        foreach (Type type in typeof(Smoke).Assembly.GetTypes().Where(type => Marked<BenchmarkAttribute>(type).Length > 0))
        {
            int before = runs;
            foreach ((PropertyInfo Property, object? Value)[] values in Combinations(type))
                runs += RunOnce(type, values);
            Console.Out.WriteLine($"{type.Name}: {runs - before} runs");
        }

        using (TrainWorkload step = new("cifar", prototypes: 4096, batch: 2, device: "1"))
            step.Run();

        // Peers are looked for in a folder that has none: their columns say so, ours has to work.
        string folder = Path.Combine(Path.GetTempPath(), $"dino-smoke-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            int status = PeersCommand.Run(["--rows", "gemm,forward,train,startup,roofline", "--only", "197 x 384 x 384;ViT-Ti;one picture;LayerNorm,;Attention,", "--quick", "--threads", "1", "--peers-dir", folder, "--out", Path.Combine(folder, "peers.json")]);
            Console.Out.WriteLine($"smoke: {runs} benchmark runs, comparison {(status == 0 ? "done" : "failed")}, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s");
            return status;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int RunOnce(Type type, (PropertyInfo Property, object? Value)[] values)
    {
        object instance = Activator.CreateInstance(type)!;
        foreach ((PropertyInfo property, object? value) in values)
            property.SetValue(instance, value);
        foreach (MethodInfo setup in Marked<GlobalSetupAttribute>(type))
            setup.Invoke(instance, null);
        MethodInfo[] benchmarks = Marked<BenchmarkAttribute>(type);
        foreach (MethodInfo benchmark in benchmarks)
            benchmark.Invoke(instance, null);
        foreach (MethodInfo cleanup in Marked<GlobalCleanupAttribute>(type))
            cleanup.Invoke(instance, null);
        return benchmarks.Length;
    }

    private static MethodInfo[] Marked<T>(Type type)
        where T : Attribute => [.. type.GetMethods().Where(method => method.GetCustomAttribute<T>() is not null)];

    private static IEnumerable<(PropertyInfo Property, object? Value)[]> Combinations(Type type)
    {
        IEnumerable<(PropertyInfo, object?)[]> sets = [[]];
        foreach (PropertyInfo property in type.GetProperties())
        {
            object?[]? values = property.GetCustomAttribute<ParamsAttribute>()?.Values
                ?? (property.GetCustomAttribute<ParamsAllValuesAttribute>() is null ? null : [.. Enum.GetValues(property.PropertyType).Cast<object>()]);
            if (values is not null)
                sets = sets.SelectMany(set => values.Select(value => ((PropertyInfo, object?)[])[.. set, (property, value)]));
        }

        return sets;
    }
}
