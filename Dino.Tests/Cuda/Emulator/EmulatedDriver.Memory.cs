using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

internal static unsafe partial class EmulatedDriver
{
    private static nint OfMemory(string name) => name switch
    {
        "cuMemGetInfo_v2" => (nint)(delegate* unmanaged<nuint*, nuint*, int>)&MemGetInfo,
        "cuMemAlloc_v2" => (nint)(delegate* unmanaged<nint*, nuint, int>)&MemAlloc,
        "cuMemFree_v2" => (nint)(delegate* unmanaged<nint, int>)&MemFree,
        "cuMemAllocHost_v2" => (nint)(delegate* unmanaged<nint*, nuint, int>)&MemAllocHost,
        "cuMemFreeHost" => (nint)(delegate* unmanaged<nint, int>)&MemFreeHost,
        "cuMemcpyHtoDAsync_v2" => (nint)(delegate* unmanaged<nint, nint, nuint, nint, int>)&MemcpyHtoD,
        "cuMemcpyDtoHAsync_v2" => (nint)(delegate* unmanaged<nint, nint, nuint, nint, int>)&MemcpyDtoH,
        "cuMemcpyDtoDAsync_v2" => (nint)(delegate* unmanaged<nint, nint, nuint, nint, int>)&MemcpyDtoD,
        "cuMemsetD8Async" => (nint)(delegate* unmanaged<nint, byte, nuint, nint, int>)&MemsetD8,
        "cuMemsetD16Async" => (nint)(delegate* unmanaged<nint, ushort, nuint, nint, int>)&MemsetD16,
        "cuMemsetD32Async" => (nint)(delegate* unmanaged<nint, uint, nuint, nint, int>)&MemsetD32,
        _ => 0,
    };

    [UnmanagedCallersOnly]
    private static int MemGetInfo(nuint* free, nuint* total)
    {
        if (Current(out int error) is not { } machine)
            return error;
        (*total, *free) = ((nuint)machine.Memory.Limit, (nuint)(machine.Memory.Limit - machine.Memory.Used));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int MemAlloc(nint* address, nuint bytes)
    {
        if (Current(out int error) is not { } machine || Forbid(machine, "cuMemAlloc", out error))
            return error;
        if (bytes == 0)
            return Fail(EmulatedErrors.InvalidValue, "cuMemAlloc of 0 bytes");
        long found = machine.Memory.Allocate((long)bytes);
        if (found == 0)
            return Fail(EmulatedErrors.OutOfMemory, "out of memory");
        *address = (nint)found;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int MemFree(nint address)
    {
        if (Current(out int error) is not { } machine || Forbid(machine, "cuMemFree", out error))
            return error;
        if (IsInUse(machine, address))
            return Fail(EmulatedErrors.InvalidValue, $"cuMemFree(0x{address:x}), which a copy has yet to use");
        return machine.Memory.Free(address) ? 0 : Fail(EmulatedErrors.InvalidValue, $"cuMemFree(0x{address:x}): {machine.Memory.Describe(address)}");
    }

    [UnmanagedCallersOnly]
    private static int MemAllocHost(nint* address, nuint bytes)
    {
        if (Current(out int error) is not { } machine || Forbid(machine, "cuMemAllocHost", out error))
            return error;
        if ((long)bytes > machine.LargestPinned)
            return Fail(EmulatedErrors.OutOfMemory, "out of memory");
        *address = machine.AllocatePinned(bytes);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int MemFreeHost(nint address)
    {
        if (Current(out int error) is not { } machine || Forbid(machine, "cuMemFreeHost", out error))
            return error;
        if (IsInUse(machine, address))
            return Fail(EmulatedErrors.InvalidValue, "cuMemFreeHost of memory that a copy has yet to use");
        return machine.FreePinned(address) ? 0 : Fail(EmulatedErrors.InvalidValue, "cuMemFreeHost of something else");
    }

    [UnmanagedCallersOnly]
    private static int MemcpyHtoD(nint target, nint source, nuint bytes, nint stream) => Copy(target, source, bytes, stream, isTargetHost: false, isSourceHost: true);

    [UnmanagedCallersOnly]
    private static int MemcpyDtoH(nint target, nint source, nuint bytes, nint stream) => Copy(target, source, bytes, stream, isTargetHost: true, isSourceHost: false);

    [UnmanagedCallersOnly]
    private static int MemcpyDtoD(nint target, nint source, nuint bytes, nint stream) => Copy(target, source, bytes, stream, isTargetHost: false, isSourceHost: false);

    [UnmanagedCallersOnly]
    private static int MemsetD8(nint target, byte value, nuint count, nint stream) => Fill(target, value, 1, count, stream);

    [UnmanagedCallersOnly]
    private static int MemsetD16(nint target, ushort value, nuint count, nint stream) => Fill(target, value, 2, count, stream);

    [UnmanagedCallersOnly]
    private static int MemsetD32(nint target, uint value, nuint count, nint stream) => Fill(target, value, 4, count, stream);

    private static int Copy(nint target, nint source, nuint bytes, nint stream, bool isTargetHost, bool isSourceHost)
    {
        if (OfStream(stream, out int error) is not { } found)
            return error;
        if (IsOnDevice(target) == isTargetHost || IsOnDevice(source) == isSourceHost)
            return Fail(EmulatedErrors.InvalidValue, "a copy with an address of the host where the device's is expected, or the other way round");
        nint host = isTargetHost ? target : source;
        bool isPageable = (isTargetHost || isSourceHost) && !found.Machine.IsPinned(host, (long)bytes);
        if (found.Capture is not { } graph)
        {
            lock (found.Machine.Work)
            {
                if (isSourceHost && !isPageable)
                    return Postpone(found, target, source, (long)bytes);
                found.IsReadingPageable = isSourceHost;
                return CopyNow(found, target, source, (long)bytes);
            }
        }

        if (isPageable)
            return Spoil(found, "a copy of pageable memory, which may be gone when the graph runs");
        graph.Nodes.Add(new CopyStep(found.Machine, target, source, (long)bytes));
        return 0;
    }

    private static int CopyNow(EmulatedStream stream, nint target, nint source, long bytes)
    {
        int error = stream.Finish();
        stream.NoteRead(source, bytes);
        return error != 0 ? error : stream.Machine.Copy(target, source, bytes);
    }

    /// <summary>Although done late, it could be done at once: memory that it writes must not be in use by work queued before.</summary>
    private static int Postpone(EmulatedStream stream, nint target, nint source, long bytes)
    {
        foreach (EmulatedStream other in stream.Machine.Streams)
        {
            if (other != stream && other.MayRead(target, bytes))
                return Fail(EmulatedErrors.IllegalAddress, $"a copy on another stream may overwrite {bytes} bytes at 0x{target:x} that queued work has yet to read");
        }

        stream.Postpone(target, source, bytes);
        return 0;
    }

    private static int Fill(nint target, uint value, int size, nuint count, nint stream)
    {
        if (OfStream(stream, out int error) is not { } found)
            return error;
        if (target % size != 0)
            return Fail(EmulatedErrors.InvalidValue, $"a fill of elements of {size} bytes at 0x{target:x}");
        if (found.Capture is not { } graph)
        {
            lock (found.Machine.Work)
                return found.Finish() is var late and not 0 ? late : found.Machine.Fill(target, value, size, (long)count);
        }

        graph.Nodes.Add(new FillStep(found.Machine, target, value, size, (long)count));
        return 0;
    }

    /// <summary>Whether a copy that was put off has yet to use memory.</summary>
    private static bool IsInUse(EmulatedMachine machine, nint address)
    {
        lock (machine.Work)
            return Array.Exists(machine.Streams, stream => stream.Uses(address));
    }

    private static bool IsOnDevice(nint address) => address >= DeviceAllocation.Distance;
}
