using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Streams and events: what waiting brings about, and what recording forbids.</summary>
internal static unsafe partial class EmulatedDriver
{
    private static nint OfStreams(string name) => name switch
    {
        "cuStreamCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&StreamCreate,
        "cuStreamDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&StreamDestroy,
        "cuStreamSynchronize" => (nint)(delegate* unmanaged<nint, int>)&StreamSynchronize,
        "cuStreamWaitEvent" => (nint)(delegate* unmanaged<nint, nint, uint, int>)&StreamWaitEvent,
        "cuEventCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate,
        "cuEventDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&EventDestroy,
        "cuEventRecord" => (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord,
        "cuEventSynchronize" => (nint)(delegate* unmanaged<nint, int>)&EventSynchronize,
        _ => 0,
    };

    /// <summary>A stream on which work can be queued; null with an error otherwise.</summary>
    /// <remarks>
    /// A driver has often taken its copy of pageable memory when the call returns, and need not: who goes on without waiting may change or lose what has yet to be read.
    /// </remarks>
    private static EmulatedStream? OfStream(nint handle, out int error)
    {
        EmulatedStream? found = OfAnyStream(handle, out error);
        if (found is not { IsReadingPageable: true })
            return found;
        error = Fail(EmulatedErrors.InvalidValue, "an upload from pageable memory, which the driver may still be reading, has not been waited for");
        return null;
    }

    private static EmulatedStream? OfAnyStream(nint handle, out int error)
    {
        if (Handles.Find<EmulatedStream>(handle) is not { } stream)
            error = Fail(EmulatedErrors.InvalidHandle, $"there is no stream 0x{handle:x}");
        else if (Current(out error) is not { } machine)
            return null;
        else if (machine != stream.Machine)
            error = Fail(EmulatedErrors.InvalidHandle, "the stream belongs to another context than the thread's");
        else if (machine.Fault is { } fault)
            error = Fail(EmulatedErrors.IllegalAddress, fault);
        else if (stream.IsCaptureSpoilt)
            error = Fail(EmulatedErrors.CaptureInvalidated, "a forbidden call has spoilt the recording of this stream");
        else
            return stream;
        return null;
    }

    /// <summary>Spoils the recording of a stream.</summary>
    private static int Spoil(EmulatedStream stream, string what)
    {
        stream.IsCaptureSpoilt = true;
        return Fail(EmulatedErrors.CaptureUnsupported, $"{what}, while a graph is recorded");
    }

    /// <summary>Whether a call is forbidden because a graph is being recorded.</summary>
    private static bool Forbid(EmulatedMachine machine, string call, out int error)
    {
        error = machine.Capturing() is { IsRelaxed: false } stream ? Spoil(stream, call) : 0;
        return error != 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamCreate(nint* stream, uint flags)
    {
        if (Current(out int error) is not { } machine)
            return error;
        if (flags > 1)
            return Fail(EmulatedErrors.InvalidValue, $"stream flags {flags}");
        *stream = machine.Open(new EmulatedStream(machine));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamDestroy(nint handle)
    {
        if (Handles.Find<EmulatedStream>(handle) is not { } stream)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no stream 0x{handle:x}");
        int error;
        lock (stream.Machine.Work)
            error = stream.Finish();
        stream.Machine.Close(stream);
        return error;
    }

    [UnmanagedCallersOnly]
    private static int StreamSynchronize(nint handle)
    {
        if (OfAnyStream(handle, out int error) is not { } stream)
            return error;
        if (stream.Capture is not null)
            return Spoil(stream, "cuStreamSynchronize");
        lock (stream.Machine.Work)
        {
            stream.Machine.Waits++;
            stream.ForgetReads();
            return stream.Finish();
        }
    }

    [UnmanagedCallersOnly]
    private static int StreamWaitEvent(nint handle, nint eventHandle, uint flags)
    {
        if (OfStream(handle, out int error) is not { } stream)
            return error;
        if (Handles.Find<EmulatedEvent>(eventHandle) is not { } found)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no event 0x{eventHandle:x}");
        // Streams that join a recording are not emulated.
        if (found.Capture != stream.Capture)
            return Spoil(stream, "waiting for an event of another recording");
        lock (stream.Machine.Work)
            return found.Finish();
    }

    [UnmanagedCallersOnly]
    private static int EventCreate(nint* handle, uint flags)
    {
        if (Current(out int error) is not { } machine)
            return error;
        *handle = machine.Open(new EmulatedEvent(machine));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int EventDestroy(nint handle)
    {
        if (Handles.Find<EmulatedEvent>(handle) is not { } found)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no event 0x{handle:x}");
        found.Machine.Close(found);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int EventRecord(nint handle, nint streamHandle)
    {
        if (OfStream(streamHandle, out int error) is not { } stream)
            return error;
        if (Handles.Find<EmulatedEvent>(handle) is not { } found)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no event 0x{handle:x}");
        found.Record(stream);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int EventSynchronize(nint handle)
    {
        if (Handles.Find<EmulatedEvent>(handle) is not { } found)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no event 0x{handle:x}");
        if (found.Machine.Fault is { } fault)
            return Fail(EmulatedErrors.IllegalAddress, fault);
        if (found.Machine.Capturing() is { } stream && found.Capture == stream.Capture)
            return Spoil(stream, "cuEventSynchronize");
        lock (found.Machine.Work)
            return found.Finish();
    }
}
