using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace Dino.Benchmarks.Peers;

/// <summary>Contenders at their best settings.</summary>
internal sealed class ContenderFactory(PeerSettings settings)
{
    /// <summary>Pins that a user's shell may hold: with them a peer could be measured at a fraction of its speed.</summary>
    private static readonly string[] s_pins =
    [
        "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "GOMP_SPINCOUNT", "GOMP_CPU_AFFINITY",
        "KMP_BLOCKTIME", "KMP_AFFINITY", "MKL_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "LD_PRELOAD",
    ];

    public static Contender Own(double work, params object[] arguments) =>
        new(Contender.Own, Environment.ProcessPath!, ["own", .. Texts(arguments)], new Dictionary<string, string>(), work);

    /// <summary>A Python driver without torch.</summary>
    public Contender Script(string name, string script, int threads, double work, params object[] arguments) =>
        new(name, settings.Python, [Path.Combine(PeerSettings.Drivers, script), .. Texts(arguments)], Clean(threads), work);

    /// <summary>A Python driver that computes with torch.</summary>
    /// <remarks>
    /// The system's torch has two thread pools, its own on OpenMP and one in OpenBLAS, that spin against each other; the OpenMP build of OpenBLAS shares one. Its
    /// operators choose AVX2 unless told to use AVX-512. And glibc returns big blocks to the system after every operator unless told not to.
    /// </remarks>
    public Contender Torch(string name, string script, int threads, double work, params object[] arguments)
    {
        Dictionary<string, string> environment = Clean(threads);
        environment["LD_LIBRARY_PATH"] = OpenMpBlas;
        if (Avx512F.IsSupported)
            environment["ATEN_CPU_CAPABILITY"] = "avx512";
        (environment["MALLOC_MMAP_MAX_"], environment["MALLOC_TRIM_THRESHOLD_"], environment["MALLOC_TOP_PAD_"]) = ("0", "100000000000", "268435456");
        return Script(name, script, threads, work, arguments) with { Environment = environment };
    }

    /// <summary>A driver that setup.sh compiled.</summary>
    public Contender Native(string name, string program, int threads, double work, params object[] arguments)
    {
        Dictionary<string, string> environment = Clean(threads);
        environment["LD_LIBRARY_PATH"] = OpenMpBlas;
        return new(name, Path.Combine(settings.PeersDirectory, "bin", program), [.. Texts(arguments)], environment, work);
    }

    /// <summary>A script for Node.</summary>
    public Contender Node(string name, string script, int threads, double work, params object[] arguments) =>
        new(name, "node", [Path.Combine(PeerSettings.Drivers, script), .. Texts(arguments)], Clean(threads), work);

    private string OpenMpBlas => Path.Combine(settings.PeersDirectory, "debroot", "usr", "lib", "x86_64-linux-gnu", "openblas-openmp");

    private Dictionary<string, string> Clean(int threads)
    {
        Dictionary<string, string> environment = s_pins.ToDictionary(name => name, _ => "");
        environment["PEERS_DIR"] = settings.PeersDirectory;
        environment["PYTHONDONTWRITEBYTECODE"] = "1";
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = environment["MKL_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        return environment;
    }

    private static IEnumerable<string> Texts(object[] arguments) => arguments.Select(argument => Convert.ToString(argument, CultureInfo.InvariantCulture)!);
}
