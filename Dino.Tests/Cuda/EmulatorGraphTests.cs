using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>Recording work into graphs, running them, and what may not be done meanwhile.</summary>
public sealed unsafe class EmulatorGraphTests
{
    private const string AddOne = "ld.global.u32 %r1, [%xt]; add.s32 %r2, %r1, 1; st.global.u32 [%yt], %r2;";

    /// <summary>The driver's mode that forbids everything of all threads which could disturb a recording.</summary>
    private const CaptureMode Strict = 0;

    [Fact]
    public void Recorded_work_runs_when_the_graph_does_and_with_new_parameters()
    {
        using PtxBench bench = new(AddOne);
        DriverTable driver = bench.Driver;
        bench.Write([.. Enumerable.Range(0, 64).Select(n => (uint)n)]);
        nint graph, execution, node, identity;
        nint* nodes;
        nuint count;
        ulong id;
        CaptureStatus status;
        bench.Check(driver.cuStreamBeginCapture(bench.Stream, Strict));
        bench.Check(driver.cuMemsetD32Async(bench.Y, 5, PtxBench.Words, bench.Stream));
        bench.Launch();
        bench.Check(driver.cuStreamGetCaptureInfo(bench.Stream, &status, &id, &identity, &nodes, &count));
        Assert.Equal((CaptureStatus.Active, (nuint)1), (status, count));
        node = *nodes;
        bench.Check(driver.cuStreamEndCapture(bench.Stream, &graph));
        Assert.Equal(0xFFFFFFFF, bench.Read(1)[0]);
        bench.Check(driver.cuGraphInstantiateWithFlags(&execution, graph, 0));
        bench.Check(driver.cuGraphDestroy(graph));

        bench.Check(driver.cuGraphLaunch(execution, bench.Stream));
        Assert.Equal([.. Enumerable.Range(1, 32).Select(n => (uint)n), 5], bench.Read(33));

        nint* parameters = stackalloc nint[] { bench.X + 128, bench.Y };
        nuint size = 16;
        nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, (nint)parameters, LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
        KernelNode changed = new() { Function = bench.Function, GridX = 1, GridY = 1, GridZ = 1, BlockX = 16, BlockY = 1, BlockZ = 1, Extra = (void**)extra };
        bench.Check(driver.cuGraphExecKernelNodeSetParams(execution, node, &changed));
        parameters[0] = 0;
        bench.Check(driver.cuGraphLaunch(execution, bench.Stream));
        Assert.Equal([.. Enumerable.Range(33, 16).Select(n => (uint)n), 5], bench.Read(17));

        size = 8;
        Assert.NotEqual(CudaResult.Success, driver.cuGraphExecKernelNodeSetParams(execution, node, &changed));
        Assert.NotEqual(CudaResult.Success, driver.cuGraphExecKernelNodeSetParams(execution, node + 1, &changed));
        bench.Check(driver.cuGraphExecDestroy(execution));
        Assert.NotEqual(CudaResult.Success, driver.cuGraphLaunch(execution, bench.Stream));
    }

    [Theory]
    [InlineData("cuMemAlloc")]
    [InlineData("cuMemFree")]
    [InlineData("cuStreamSynchronize")]
    [InlineData("pageable memory")]
    public void What_waits_or_allocates_spoils_a_recording(string call)
    {
        using PtxBench bench = new(AddOne);
        nint graph, address;
        uint word;
        bench.Check(bench.Driver.cuStreamBeginCapture(bench.Stream, Strict));
        CudaResult result = call switch
        {
            "cuMemAlloc" => bench.Driver.cuMemAlloc(&address, 4),
            "cuMemFree" => bench.Driver.cuMemFree(bench.X),
            "cuStreamSynchronize" => bench.Driver.cuStreamSynchronize(bench.Stream),
            _ => bench.Driver.cuMemcpyHtoDAsync(bench.X, &word, 4, bench.Stream),
        };
        CudaException error = Assert.Throws<CudaException>(() => bench.Check(result));
        Assert.Equal("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", error.ErrorName);
        Assert.Contains(call, error.Message, StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", Assert.Throws<CudaException>(() => bench.Launch()).Message, StringComparison.Ordinal);
        Assert.NotEqual(CudaResult.Success, bench.Driver.cuStreamEndCapture(bench.Stream, &graph));
        // From here on all is as before.
        bench.Launch();
    }

    [Fact]
    public void A_copy_from_pinned_memory_reads_it_when_the_graph_runs()
    {
        using PtxBench bench = new(AddOne);
        DriverTable driver = bench.Driver;
        void* pinned;
        nint graph, execution;
        bench.Check(driver.cuMemAllocHost(&pinned, 4));
        bench.Check(driver.cuStreamBeginCapture(bench.Stream, CaptureMode.Relaxed));
        bench.Check(driver.cuMemcpyHtoDAsync(bench.Y, pinned, 4, bench.Stream));
        bench.Check(driver.cuStreamEndCapture(bench.Stream, &graph));
        bench.Check(driver.cuGraphInstantiateWithFlags(&execution, graph, 0));
        foreach (uint value in (uint[])[3, 8])
        {
            *(uint*)pinned = value;
            bench.Check(driver.cuGraphLaunch(execution, bench.Stream));
            Assert.Equal(value, bench.Read(1)[0]);
        }

        bench.Check(driver.cuGraphExecDestroy(execution));
        bench.Check(driver.cuGraphDestroy(graph));
        bench.Check(driver.cuMemFreeHost(pinned));
    }

    [Fact]
    public void Launches_allocate_nothing()
    {
        using PtxBench bench = new("mov.u32 %r1, %ctaid.x; mul.wide.u32 %d1, %r1, 4096; add.s64 %d2, %yt, %d1; st.global.u32 [%d2], %t;");
        bench.Launch(threads: 64, blocks: 3);
        bench.Launch(threads: 64, blocks: 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        bench.Launch(threads: 64, blocks: 3);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
