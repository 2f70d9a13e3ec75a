using System.Runtime.CompilerServices;
using BenchmarkDotNet.Running;
using Dino.Benchmarks;
using Dino.Benchmarks.Gpu;
using Dino.Benchmarks.Peers;
using Dino.Benchmarks.Peers.Own;

return args switch
{
    ["peers", .. string[] rest] => Peers(rest),
    ["kernels"] => KernelTable.Run(null),
    ["kernels", "--update", string document] => KernelTable.Run(document),
    ["own", .. string[] rest] => OwnContender.Run(rest),
    ["smoke"] => Smoke.Run(),
    _ => Measure(args),
};

// Methods of their own: a contender that is started to embed one picture must not load what only the others need.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Peers(string[] arguments) => PeersCommand.Run(arguments);

[MethodImpl(MethodImplOptions.NoInlining)]
static int Measure(string[] arguments)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
    return 0;
}
