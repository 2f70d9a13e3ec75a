using System.Runtime.InteropServices;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda.Emulator;

internal static unsafe partial class EmulatedDriver
{
    private static nint OfGraphs(string name) => name switch
    {
        "cuStreamBeginCapture_v2" => (nint)(delegate* unmanaged<nint, CaptureMode, int>)&StreamBeginCapture,
        "cuStreamEndCapture" => (nint)(delegate* unmanaged<nint, nint*, int>)&StreamEndCapture,
        "cuStreamGetCaptureInfo_v2" => (nint)(delegate* unmanaged<nint, CaptureStatus*, ulong*, nint*, nint**, nuint*, int>)&StreamGetCaptureInfo,
        "cuGraphInstantiateWithFlags" => (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&GraphInstantiate,
        "cuGraphExecKernelNodeSetParams" => (nint)(delegate* unmanaged<nint, nint, KernelNode*, int>)&GraphExecKernelNodeSetParams,
        "cuGraphLaunch" => (nint)(delegate* unmanaged<nint, nint, int>)&GraphLaunch,
        "cuGraphExecDestroy" => (nint)(delegate* unmanaged<nint, int>)&GraphExecDestroy,
        "cuGraphDestroy" => (nint)(delegate* unmanaged<nint, int>)&GraphDestroy,
        _ => 0,
    };

    [UnmanagedCallersOnly]
    private static int StreamBeginCapture(nint handle, CaptureMode mode)
    {
        if (OfStream(handle, out int error) is not { } stream)
            return error;
        if (stream.Capture is not null)
            return Fail(EmulatedErrors.InvalidValue, "the stream is recording already");
        stream.Capture = new EmulatedGraph(stream.Machine);
        stream.CapturingThread = Environment.CurrentManagedThreadId;
        stream.IsRelaxed = mode == CaptureMode.Relaxed;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamEndCapture(nint handle, nint* graph)
    {
        if (Handles.Find<EmulatedStream>(handle) is not { Capture: { } capture } stream)
            return Fail(EmulatedErrors.InvalidValue, "the stream is not recording");
        bool isSpoilt = stream.IsCaptureSpoilt;
        (stream.Capture, stream.IsCaptureSpoilt) = (null, false);
        if (isSpoilt || stream.CapturingThread != Environment.CurrentManagedThreadId)
        {
            capture.Release();
            *graph = 0;
            return isSpoilt ? Fail(EmulatedErrors.CaptureInvalidated, "a forbidden call has spoilt the recording")
                : Fail(EmulatedErrors.CaptureWrongThread, "another thread began the recording");
        }

        *graph = stream.Machine.Open(capture);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamGetCaptureInfo(nint handle, CaptureStatus* status, ulong* id, nint* graph, nint** last, nuint* count)
    {
        if (OfStream(handle, out int error) is not { } stream)
            return error;
        *status = stream.Capture is null ? CaptureStatus.None : stream.IsCaptureSpoilt ? CaptureStatus.Invalidated : CaptureStatus.Active;
        if (*status != CaptureStatus.Active)
            return 0;
        // A recording of one stream is a chain: what comes next depends on its last step.
        EmulatedNode? end = stream.Capture!.Nodes.LastOrDefault();
        stream.LastNode[0] = end?.Handle ?? 0;
        (*id, *graph, *count) = ((ulong)handle, 0, end is null ? 0u : 1u);
        *last = stream.LastNode;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GraphInstantiate(nint* execution, nint handle, ulong flags)
    {
        if (Handles.Find<EmulatedGraph>(handle) is not { } graph)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no graph 0x{handle:x}");
        if (Forbid(graph.Machine, "cuGraphInstantiateWithFlags", out int error))
            return error;
        *execution = graph.Machine.Open(new EmulatedGraphExecution(graph));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GraphExecKernelNodeSetParams(nint handle, nint node, KernelNode* parameters)
    {
        if (Handles.Find<EmulatedGraphExecution>(handle) is not { } execution)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no graph to run 0x{handle:x}");
        if (execution.StepOf(node) is not KernelStep step)
            return Fail(EmulatedErrors.InvalidValue, $"0x{node:x} is no launch of this graph");
        if (Handles.Find<EmulatedFunction>(parameters->Function) is not { } function || function.Machine != execution.Machine)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no function 0x{parameters->Function:x} in this context");
        if (parameters->Parameters != null)
            return Fail(EmulatedErrors.InvalidValue, "parameters one by one are not emulated");
        execution.Machine.ParameterChanges++;
        return Prepare(
            step.Launch, function, (parameters->GridX, parameters->GridY, parameters->GridZ), (parameters->BlockX, parameters->BlockY, parameters->BlockZ),
            parameters->SharedBytes, parameters->Extra);
    }

    [UnmanagedCallersOnly]
    private static int GraphLaunch(nint handle, nint streamHandle)
    {
        if (OfStream(streamHandle, out int error) is not { } stream)
            return error;
        if (Handles.Find<EmulatedGraphExecution>(handle) is not { } execution || execution.Machine != stream.Machine)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no graph to run 0x{handle:x} in this context");
        if (stream.Capture is not null)
            return Spoil(stream, "cuGraphLaunch");
        try
        {
            lock (stream.Machine.Work)
                return stream.Finish() is var late and not 0 ? late : execution.Run(stream);
        }
        catch (Exception problem)
        {
            // No exception may pass to who called a driver: what went wrong is in the emulator itself.
            return Fail(EmulatedErrors.Unknown, problem.ToString());
        }
    }

    [UnmanagedCallersOnly]
    private static int GraphExecDestroy(nint handle)
    {
        if (Handles.Find<EmulatedGraphExecution>(handle) is not { } execution)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no graph to run 0x{handle:x}");
        execution.Machine.Close(execution);
        execution.Release();
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GraphDestroy(nint handle)
    {
        if (Handles.Find<EmulatedGraph>(handle) is not { } graph)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no graph 0x{handle:x}");
        graph.Machine.Close(graph);
        graph.Release();
        return 0;
    }
}
