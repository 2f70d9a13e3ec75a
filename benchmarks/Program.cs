using System.Runtime.CompilerServices;
using BenchmarkDotNet.Running;
using Dino.Benchmarks;
using Dino.Benchmarks.Gpu;
using Dino.Benchmarks.Peers;
using Dino.Benchmarks.Peers.Own;

return args switch
{
    ["peers", .. string[] rest] => Peers(rest),
    ["device"] => GpuDevice.Run(),
    ["insert", string marker, string document] => Insert(marker, document),
    ["kernels"] => KernelTable.Run(null),
    ["kernels", "--update", string document] => KernelTable.Run(document),
    ["own", .. string[] rest] => OwnContender.Run(rest),
    ["smoke"] => Smoke.Run(),
    _ => Measure(args),
};

// Methods of their own: a contender that is started to embed one picture must not load what only the others need.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Peers(string[] arguments) => PeersCommand.Run(arguments);

// The table that comes in takes the place of the one between the markers of a document.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Insert(string marker, string document)
{
    File.WriteAllText(document, ReportTable.InsertAt(File.ReadAllText(document), marker, Console.In.ReadToEnd()));
    return 0;
}

[MethodImpl(MethodImplOptions.NoInlining)]
static int Measure(string[] arguments)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
    return 0;
}
