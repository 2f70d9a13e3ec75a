using Dino.Cuda;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda;

/// <summary>Where libraries are looked for, in which order, and what is said when there is none.</summary>
public sealed class LibrarySearchTests
{
    public static TheoryData<string, bool, string[]> Names => new()
    {
        { "driver", false, ["libcuda.so.1"] },
        { "driver", true, ["nvcuda.dll"] },
        { "cublasLt", false, ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"] },
        { "cublasLt", true, ["cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll"] },
        { "cublas", false, ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"] },
        { "cublas", true, ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"] },
    };

    [Theory, MemberData(nameof(Names))]
    public void The_systems_loader_is_asked_for_every_name_newest_first(string library, bool isWindows, string[] names)
    {
        FakeHost host = new() { IsWindows = isWindows };
        CudaLibrary missing = Find(host, Named(library));
        Assert.Equal(names, host.Attempts);
        Assert.Null(missing.Location);
        Assert.Equal(0, missing.Handle);
        Assert.All(names, name => Assert.Contains(name, missing.Reason, StringComparison.Ordinal));
        host.Known.Add(names[^1]);
        CudaLibrary found = Find(host, Named(library));
        Assert.Equal((names[^1], null), (found.Location, found.Reason));
        Assert.NotEqual(0, found.Handle);
    }

    public static TheoryData<bool, string[]> Orders => new()
    {
        {
            false,
            [
                "/named/first/libcublas.so.11", "/named/second/libcublas.so.13", "libcublas.so.12", "/toolkit/lib64/libcublas.so.12", "/home-of-cuda/lib64/libcublas.so.13",
                "/usr/local/cuda/lib64/libcublas.so.12",
                "/venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13", "/venv/lib/python3.12/site-packages/nvidia/cublas/lib/libcublas.so.12",
                "/conda/lib/python3.11/site-packages/nvidia/cu13/lib/libcublas.so.13", "/home/me/.local/lib/python3.10/site-packages/nvidia/cublas/lib/libcublas.so.11",
                "/opt/torch/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13",
                "/usr/local/lib/python3.12/dist-packages/nvidia/cu13/lib/libcublas.so.13", "/usr/lib/python3/dist-packages/nvidia/cublas/lib/libcublas.so.12",
            ]
        },
        {
            true,
            [
                "/named/first/cublas64_11.dll", "/named/second/cublas64_13.dll", "cublas64_12.dll", "/toolkit/bin/cublas64_12.dll", "/toolkit/bin/x64/cublas64_13.dll",
                "/home-of-cuda/bin/cublas64_12.dll", "/venv/Lib/site-packages/nvidia/cu13/bin/x86_64/cublas64_13.dll", "/venv/Lib/site-packages/nvidia/cublas/bin/cublas64_12.dll",
                "/conda/Lib/site-packages/nvidia/cublas/bin/cublas64_12.dll", "/roaming/Python/Python312/site-packages/nvidia/cu13/bin/x86_64/cublas64_13.dll",
                "/opt/torch/bin/Lib/site-packages/nvidia/cublas/bin/cublas64_12.dll",
            ]
        },
    };

    /// <summary>All places hold a library at first; then the best is taken away, again and again.</summary>
    [Theory, MemberData(nameof(Orders))]
    public void Places_are_searched_in_order(bool isWindows, string[] places)
    {
        FakeHost host = Furnished(isWindows);
        foreach (string place in places)
            (place.Contains('/') ? host.Files : host.Known).Add(place);
        foreach (string place in places)
        {
            Assert.Equal(place, FakeHost.Slashes(Find(host, LibraryNames.Cublas).Location ?? "nothing"));
            (place.Contains('/') ? host.Files : host.Known).Remove(place);
        }

        Assert.Null(Find(host, LibraryNames.Cublas).Location);
    }

    [Fact]
    public void Python_folders_of_other_packages_and_versions_are_left_alone()
    {
        FakeHost host = Furnished(isWindows: false);
        host.Files.AddRange(["/venv/lib/python2.7/site-packages/nvidia/cublas/lib/libcublas.so.11", "/venv/lib/python3.12/site-packages/other/lib/libcublas.so.13"]);
        Assert.Null(Find(host, LibraryNames.Cublas).Location);
    }

    [Fact]
    public void A_driver_in_a_toolkit_or_a_wheel_is_not_the_systems()
    {
        FakeHost host = Furnished(isWindows: false);
        host.Files.AddRange(["/toolkit/lib64/libcuda.so.1", "/venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcuda.so.1"]);
        Assert.Null(Find(host, LibraryNames.Driver).Location);
        host.Files.Add("/named/second/libcuda.so.1");
        Assert.Equal("/named/second/libcuda.so.1", FakeHost.Slashes(Find(host, LibraryNames.Driver).Location!));
    }

    [Fact]
    public void What_cannot_be_loaded_is_passed_over_and_named()
    {
        FakeHost host = Furnished(isWindows: false);
        host.Files.Add("/named/first/libcublas.so.13");
        host.Broken.Add("/named/first/libcublas.so.13");
        Assert.Contains("/named/first/libcublas.so.13 cannot be loaded", FakeHost.Slashes(Find(host, LibraryNames.Cublas).Reason!), StringComparison.Ordinal);
        host.Files.Add("/toolkit/lib64/libcublas.so.12");
        Assert.Equal("/toolkit/lib64/libcublas.so.12", FakeHost.Slashes(Find(host, LibraryNames.Cublas).Location!));
    }

    [Fact]
    public void The_reason_names_the_folders_and_the_remedy()
    {
        FakeHost host = Furnished(isWindows: false);
        host.Files.Add("/venv/lib/python3.12/site-packages/nvidia/cublas/lib/libcublas.so.10");
        string reason = FakeHost.Slashes(Find(host, LibraryNames.Cublas).Reason!);
        Assert.All(
            ["cuBLAS", "/named/first", "/named/second", "/toolkit/lib64", "/home-of-cuda/lib64", "/venv/lib/python3.12/site-packages/nvidia/cublas/lib", "DINO_CUDA_PATH", "nvidia-cublas"],
            word => Assert.Contains(word, reason, StringComparison.Ordinal));
    }

    [Fact]
    public void A_toolkit_that_two_variables_name_is_searched_once()
    {
        FakeHost host = new() { Variables = { ["CUDA_PATH"] = "/toolkit", ["CUDA_HOME"] = "/toolkit" } };
        string reason = FakeHost.Slashes(Find(host, LibraryNames.Cublas).Reason!);
        Assert.Equal(2, reason.Split("/toolkit/lib64").Length);
    }

    [Fact]
    public void This_machine_loads_a_library_of_its_own_and_lists_folders()
    {
        SystemHost host = new();
        (string library, string function) = host.IsWindows ? ("kernel32.dll", "GetTickCount64") : OperatingSystem.IsMacOS() ? ("libSystem.dylib", "getpid") : ("libc.so.6", "getpid");
        Assert.True(host.TryLoad(library, out nint handle));
        Assert.NotEqual(0, host.Export(handle, function));
        Assert.Equal(0, host.Export(handle, "cuNoSuchFunction"));
        Assert.False(host.TryLoad("libno-such-library.so.7", out _));
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.Path("one", "two"));
        File.WriteAllText(folder.Path("file"), "");
        Assert.Equal(["one"], host.FoldersIn(folder.Root));
        Assert.Empty(host.FoldersIn(folder.Path("three")));
        Assert.Equal((true, false), (host.FileExists(folder.Path("file")), host.FileExists(folder.Path("one"))));
    }

    private static CudaLibrary Find(FakeHost host, LibraryNames library) => new LibrarySearch(host).Find(library);

    private static LibraryNames Named(string library) => library switch
    {
        "driver" => LibraryNames.Driver,
        "cublasLt" => LibraryNames.CublasLt,
        _ => LibraryNames.Cublas,
    };

    /// <summary>A machine with every variable set, and nothing in the folders yet but Python.</summary>
    private static FakeHost Furnished(bool isWindows) => new()
    {
        IsWindows = isWindows,
        Variables =
        {
            ["DINO_CUDA_PATH"] = isWindows ? "/named/first; ;/named/second;" : "/named/first::/named/second",
            ["CUDA_PATH"] = "/toolkit",
            ["CUDA_HOME"] = "/home-of-cuda",
            ["VIRTUAL_ENV"] = "/venv",
            ["CONDA_PREFIX"] = "/conda",
            ["HOME"] = "/home/me",
            ["APPDATA"] = "/roaming",
            ["PATH"] = isWindows ? "/empty;/opt/torch/bin" : "/empty:/opt/torch/bin",
        },
        Files = { isWindows ? "/opt/torch/bin/python.exe" : "/opt/torch/bin/python3" },
    };
}
