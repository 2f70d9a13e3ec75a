using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>Two streams: what is there without waiting, and what may not be done meanwhile.</summary>
public sealed unsafe class EmulatorStreamTests : IDisposable
{
    private readonly PtxBench _bench = new("ld.global.u32 %r1, [%x]; st.global.u32 [%y], %r1;");
    private readonly nint _other, _event;
    private readonly uint* _pinned;

    public EmulatorStreamTests()
    {
        nint other, moment;
        void* pinned;
        _bench.Check(Driver.cuStreamCreate(&other, 1));
        _bench.Check(Driver.cuEventCreate(&moment, 2));
        _bench.Check(Driver.cuMemAllocHost(&pinned, 8));
        (_other, _event) = (other, moment);
        _pinned = (uint*)pinned;
        _bench.Write([1, 2]);
    }

    private DriverTable Driver => _bench.Driver;

    [Fact]
    public void A_copy_on_another_stream_is_there_once_it_is_waited_for()
    {
        Upload(7, _other);
        _bench.Check(Driver.cuEventRecord(_event, _other));
        Assert.Equal(1u, Run());
        _bench.Check(Driver.cuStreamWaitEvent(_bench.Stream, _event, 0));
        Assert.Equal(7u, Run());
    }

    [Fact]
    public void An_event_waits_for_what_was_before_it()
    {
        _bench.Check(Driver.cuEventRecord(_event, _other));
        Upload(7, _other);
        _bench.Check(Driver.cuStreamWaitEvent(_bench.Stream, _event, 0));
        _bench.Check(Driver.cuEventSynchronize(_event));
        Assert.Equal(1u, Run());
        _bench.Check(Driver.cuStreamSynchronize(_other));
        Assert.Equal(7u, Run());
    }

    [Fact]
    public void Work_of_the_same_stream_comes_after_the_copy()
    {
        Upload(7, _bench.Stream);
        Assert.Equal(7u, Run());
    }

    [Fact]
    public void Host_memory_that_is_written_too_early_is_what_is_copied()
    {
        Upload(7, _other);
        *_pinned = 9;
        _bench.Check(Driver.cuStreamSynchronize(_other));
        Assert.Equal(9u, Run());
    }

    [Fact]
    public void An_upload_from_pageable_memory_has_to_be_waited_for()
    {
        uint word = 7;
        _bench.Check(Driver.cuMemcpyHtoDAsync(_bench.X, &word, 4, _bench.Stream));
        Assert.Contains("pageable", Assert.Throws<CudaException>(() => _bench.Launch(threads: 1)).Message, StringComparison.Ordinal);
        _bench.Check(Driver.cuStreamSynchronize(_bench.Stream));
        Assert.Equal(7u, Run());
    }

    [Fact]
    public void Memory_that_a_copy_has_yet_to_use_cannot_be_freed()
    {
        Upload(7, _other);
        Assert.NotEqual(CudaResult.Success, Driver.cuMemFreeHost(_pinned));
        Assert.NotEqual(CudaResult.Success, Driver.cuMemFree(_bench.X));
        _bench.Check(Driver.cuStreamSynchronize(_other));
        _bench.Check(Driver.cuMemFree(_bench.X));
    }

    [Fact]
    public void Memory_that_queued_work_may_still_copy_cannot_be_overwritten()
    {
        _bench.Check(Driver.cuMemcpyDtoDAsync(_bench.Y, _bench.X, 8, _bench.Stream));
        Assert.NotEqual(CudaResult.Success, Driver.cuMemcpyHtoDAsync(_bench.X + 4, _pinned, 4, _other));
        _bench.Check(Driver.cuMemcpyHtoDAsync(_bench.X + 8, _pinned, 4, _other));
        _bench.Check(Driver.cuStreamSynchronize(_bench.Stream));
        _bench.Check(Driver.cuMemcpyHtoDAsync(_bench.X + 4, _pinned, 4, _other));
        _bench.Check(Driver.cuStreamSynchronize(_other));
    }

    public void Dispose()
    {
        _bench.Check(Driver.cuStreamDestroy(_other));
        _bench.Check(Driver.cuEventDestroy(_event));
        _bench.Check(Driver.cuMemFreeHost(_pinned));
        _bench.Dispose();
    }

    private void Upload(uint value, nint stream)
    {
        *_pinned = value;
        _bench.Check(Driver.cuMemcpyHtoDAsync(_bench.X, _pinned, 4, stream));
    }

    private uint Run()
    {
        _bench.Launch(threads: 1);
        return _bench.Read(1)[0];
    }
}
