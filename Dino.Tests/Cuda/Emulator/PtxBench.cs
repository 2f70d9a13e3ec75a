using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// Runs a few lines of PTX on a machine of their own, through the table of entry points as the backend does. The kernel gets two addresses: <c>%x</c> and
/// <c>%y</c>, and <c>%xt</c> and <c>%yt</c>, which are 4 bytes further for each thread; <c>%t</c> is the thread's index.
/// </summary>
internal sealed unsafe class PtxBench : IDisposable
{
    /// <summary>Elements of each of the two buffers.</summary>
    public const int Words = 4096;

    private readonly nint _module;

    public PtxBench(string body, string variables = "", int seed = 1, string directives = ".maxntid 1024, 1, 1")
    {
        Machine = new EmulatedMachine(seed);
        Driver = DriverTable.Fill(name => EmulatedDriver.Export(Machine, name), out _)!;
        int device;
        nint context, stream, x, y;
        Check(Driver.cuInit(0));
        Check(Driver.cuDeviceGet(&device, 0));
        Check(Driver.cuDevicePrimaryCtxRetain(&context, device));
        Check(Driver.cuCtxSetCurrent(context));
        Check(Driver.cuStreamCreate(&stream, 1));
        Check(Driver.cuMemAlloc(&x, 4 * Words));
        Check(Driver.cuMemAlloc(&y, 4 * Words));
        (Device, Stream, X, Y) = (device, stream, x, y);
        _module = Load(Text(body, variables, directives));
        Function = Find("test");
    }

    public EmulatedMachine Machine { get; }

    public DriverTable Driver { get; }

    public int Device { get; }

    public nint Stream { get; }

    public nint Function { get; private set; }

    public nint X { get; }

    public nint Y { get; }

    /// <summary>PTX of a kernel called test.</summary>
    public static string Text(string body, string variables = "", string directives = "") => $$"""
        .version 7.0
        .target sm_80
        .address_size 64
        {{variables}}
        .visible .entry test(
            .param .align 8 .b8 test_param_0[16]
        ) {{directives}}
        {
            .reg .pred %p<8>;
            .reg .b16 %h<16>;
            .reg .b32 %r<64>;
            .reg .f32 %f<64>;
            .reg .b64 %d<16>;
            .reg .f64 %g<16>;
            .reg .b32 %t;
            .reg .b64 %x, %y, %xt, %yt, %bytes;
            ld.param.u64 %x, [test_param_0];
            ld.param.u64 %y, [test_param_0+8];
            mov.u32 %t, %tid.x;
            mul.wide.u32 %bytes, %t, 4;
            add.s64 %xt, %x, %bytes;
            add.s64 %yt, %y, %bytes;
            {{body}}
            ret;
        }
        """;

    /// <summary>Loads and frees; the message of the error if PTX is refused.</summary>
    public static string Refusal(string body, string variables = "")
    {
        CudaException error = Assert.Throws<CudaException>(() => new PtxBench(body, variables).Dispose());
        Assert.Equal("CUDA_ERROR_INVALID_PTX", error.ErrorName);
        return error.Message;
    }

    /// <summary>What a kernel writes to y.</summary>
    public static uint[] Run(string body, ReadOnlySpan<uint> x, int outputs, int threads = 32, string variables = "", int seed = 1)
    {
        using PtxBench bench = new(body, variables, seed);
        bench.Write(x);
        bench.Launch(threads);
        return bench.Read(outputs);
    }

    /// <summary>What is wrong with a kernel, as the error of its launch says.</summary>
    public static string Fault(string body, int threads = 32, string variables = "", int seed = 1, int sharedBytes = 0)
    {
        using PtxBench bench = new(body, variables, seed);
        bench.Write(new uint[Words]);
        return Assert.Throws<CudaException>(() => bench.Launch(threads, sharedBytes: sharedBytes)).Message;
    }

    public void Launch(int threads = 32, int blocks = 1, int sharedBytes = 0)
    {
        nint* parameters = stackalloc nint[] { X, Y };
        nuint size = 16;
        nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, (nint)parameters, LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
        Check(Driver.cuLaunchKernel(Function, (uint)blocks, 1, 1, (uint)threads, 1, 1, (uint)sharedBytes, Stream, null, (void**)extra));
    }

    public void Write(ReadOnlySpan<uint> values)
    {
        fixed (uint* source = values)
            Check(Driver.cuMemcpyHtoDAsync(X, source, (nuint)(4 * values.Length), Stream));
        Check(Driver.cuStreamSynchronize(Stream));
    }

    public uint[] Read(int count)
    {
        uint[] values = new uint[count];
        fixed (uint* target = values)
            Check(Driver.cuMemcpyDtoHAsync(target, Y, (nuint)(4 * count), Stream));
        Check(Driver.cuStreamSynchronize(Stream));
        return values;
    }

    public void Check(CudaResult result) => Driver.Check(result, "test");

    public void Dispose()
    {
        Driver.cuMemFree(X);
        Driver.cuMemFree(Y);
        if (_module != 0)
            Driver.cuModuleUnload(_module);
        Driver.cuStreamDestroy(Stream);
        Driver.cuDevicePrimaryCtxRelease(Device);
    }

    private nint Load(string text)
    {
        nint module, ptx = Marshal.StringToCoTaskMemUTF8(text);
        byte* log = stackalloc byte[4096];
        JitOption* options = stackalloc JitOption[] { JitOption.ErrorLogBuffer, JitOption.ErrorLogBufferSizeBytes };
        void** values = stackalloc void*[] { log, (void*)4096 };
        CudaResult result = Driver.cuModuleLoadDataEx(&module, (void*)ptx, 2, options, values);
        Marshal.FreeCoTaskMem(ptx);
        if (result == CudaResult.Success)
            return module;
        string errors = Marshal.PtrToStringUTF8((nint)log)!;
        Dispose();
        Driver.Check(result, $"load.{errors}");
        return 0;
    }

    private nint Find(string name)
    {
        nint function, text = Marshal.StringToCoTaskMemUTF8(name);
        Check(Driver.cuModuleGetFunction(&function, _module, (byte*)text));
        Marshal.FreeCoTaskMem(text);
        return function;
    }
}
