namespace Dino.Cuda.Native;

/// <summary>The entry points that hold memory and run kernels.</summary>
internal sealed unsafe partial class DriverTable
{
    // Memory.
    public delegate* unmanaged<nint*, nuint, CudaResult> cuMemAlloc { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuMemFree { get; private set; }
    public delegate* unmanaged<void**, nuint, CudaResult> cuMemAllocHost { get; private set; }
    public delegate* unmanaged<void*, CudaResult> cuMemFreeHost { get; private set; }
    public delegate* unmanaged<nint, void*, nuint, nint, CudaResult> cuMemcpyHtoDAsync { get; private set; }
    public delegate* unmanaged<void*, nint, nuint, nint, CudaResult> cuMemcpyDtoHAsync { get; private set; }
    public delegate* unmanaged<nint, nint, nuint, nint, CudaResult> cuMemcpyDtoDAsync { get; private set; }
    public delegate* unmanaged<nint, byte, nuint, nint, CudaResult> cuMemsetD8Async { get; private set; }
    public delegate* unmanaged<nint, ushort, nuint, nint, CudaResult> cuMemsetD16Async { get; private set; }
    public delegate* unmanaged<nint, uint, nuint, nint, CudaResult> cuMemsetD32Async { get; private set; }

    // Streams and events.
    public delegate* unmanaged<nint*, uint, CudaResult> cuStreamCreate { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuStreamDestroy { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuStreamSynchronize { get; private set; }
    public delegate* unmanaged<nint, nint, uint, CudaResult> cuStreamWaitEvent { get; private set; }
    public delegate* unmanaged<nint*, uint, CudaResult> cuEventCreate { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuEventDestroy { get; private set; }
    public delegate* unmanaged<nint, nint, CudaResult> cuEventRecord { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuEventSynchronize { get; private set; }

    // Modules and kernels.
    public delegate* unmanaged<nint*, void*, uint, JitOption*, void**, CudaResult> cuModuleLoadDataEx { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuModuleUnload { get; private set; }
    public delegate* unmanaged<nint*, nint, byte*, CudaResult> cuModuleGetFunction { get; private set; }
    public delegate* unmanaged<int*, FunctionAttribute, nint, CudaResult> cuFuncGetAttribute { get; private set; }
    public delegate* unmanaged<nint, FunctionAttribute, int, CudaResult> cuFuncSetAttribute { get; private set; }
    public delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult> cuLaunchKernel { get; private set; }

    // Graphs.
    public delegate* unmanaged<nint, CaptureMode, CudaResult> cuStreamBeginCapture { get; private set; }
    public delegate* unmanaged<nint, nint*, CudaResult> cuStreamEndCapture { get; private set; }
    public delegate* unmanaged<nint, CaptureStatus*, ulong*, nint*, nint**, nuint*, CudaResult> cuStreamGetCaptureInfo { get; private set; }
    public delegate* unmanaged<nint*, nint, ulong, CudaResult> cuGraphInstantiateWithFlags { get; private set; }
    public delegate* unmanaged<nint, nint, KernelNode*, CudaResult> cuGraphExecKernelNodeSetParams { get; private set; }
    public delegate* unmanaged<nint, nint, CudaResult> cuGraphLaunch { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuGraphExecDestroy { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuGraphDestroy { get; private set; }

    private void FillExecution(Func<string, nint> entry)
    {
        cuMemAlloc = (delegate* unmanaged<nint*, nuint, CudaResult>)entry("cuMemAlloc_v2");
        cuMemFree = (delegate* unmanaged<nint, CudaResult>)entry("cuMemFree_v2");
        cuMemAllocHost = (delegate* unmanaged<void**, nuint, CudaResult>)entry("cuMemAllocHost_v2");
        cuMemFreeHost = (delegate* unmanaged<void*, CudaResult>)entry("cuMemFreeHost");
        cuMemcpyHtoDAsync = (delegate* unmanaged<nint, void*, nuint, nint, CudaResult>)entry("cuMemcpyHtoDAsync_v2");
        cuMemcpyDtoHAsync = (delegate* unmanaged<void*, nint, nuint, nint, CudaResult>)entry("cuMemcpyDtoHAsync_v2");
        cuMemcpyDtoDAsync = (delegate* unmanaged<nint, nint, nuint, nint, CudaResult>)entry("cuMemcpyDtoDAsync_v2");
        cuMemsetD8Async = (delegate* unmanaged<nint, byte, nuint, nint, CudaResult>)entry("cuMemsetD8Async");
        cuMemsetD16Async = (delegate* unmanaged<nint, ushort, nuint, nint, CudaResult>)entry("cuMemsetD16Async");
        cuMemsetD32Async = (delegate* unmanaged<nint, uint, nuint, nint, CudaResult>)entry("cuMemsetD32Async");
        cuStreamCreate = (delegate* unmanaged<nint*, uint, CudaResult>)entry("cuStreamCreate");
        cuStreamDestroy = (delegate* unmanaged<nint, CudaResult>)entry("cuStreamDestroy_v2");
        cuStreamSynchronize = (delegate* unmanaged<nint, CudaResult>)entry("cuStreamSynchronize");
        cuStreamWaitEvent = (delegate* unmanaged<nint, nint, uint, CudaResult>)entry("cuStreamWaitEvent");
        cuEventCreate = (delegate* unmanaged<nint*, uint, CudaResult>)entry("cuEventCreate");
        cuEventDestroy = (delegate* unmanaged<nint, CudaResult>)entry("cuEventDestroy_v2");
        cuEventRecord = (delegate* unmanaged<nint, nint, CudaResult>)entry("cuEventRecord");
        cuEventSynchronize = (delegate* unmanaged<nint, CudaResult>)entry("cuEventSynchronize");
        cuModuleLoadDataEx = (delegate* unmanaged<nint*, void*, uint, JitOption*, void**, CudaResult>)entry("cuModuleLoadDataEx");
        cuModuleUnload = (delegate* unmanaged<nint, CudaResult>)entry("cuModuleUnload");
        cuModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, CudaResult>)entry("cuModuleGetFunction");
        cuFuncGetAttribute = (delegate* unmanaged<int*, FunctionAttribute, nint, CudaResult>)entry("cuFuncGetAttribute");
        cuFuncSetAttribute = (delegate* unmanaged<nint, FunctionAttribute, int, CudaResult>)entry("cuFuncSetAttribute");
        cuLaunchKernel = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult>)entry("cuLaunchKernel");
        cuStreamBeginCapture = (delegate* unmanaged<nint, CaptureMode, CudaResult>)entry("cuStreamBeginCapture_v2");
        cuStreamEndCapture = (delegate* unmanaged<nint, nint*, CudaResult>)entry("cuStreamEndCapture");
        cuStreamGetCaptureInfo = (delegate* unmanaged<nint, CaptureStatus*, ulong*, nint*, nint**, nuint*, CudaResult>)entry("cuStreamGetCaptureInfo_v2");
        cuGraphInstantiateWithFlags = (delegate* unmanaged<nint*, nint, ulong, CudaResult>)entry("cuGraphInstantiateWithFlags");
        cuGraphExecKernelNodeSetParams = (delegate* unmanaged<nint, nint, KernelNode*, CudaResult>)entry("cuGraphExecKernelNodeSetParams");
        cuGraphLaunch = (delegate* unmanaged<nint, nint, CudaResult>)entry("cuGraphLaunch");
        cuGraphExecDestroy = (delegate* unmanaged<nint, CudaResult>)entry("cuGraphExecDestroy");
        cuGraphDestroy = (delegate* unmanaged<nint, CudaResult>)entry("cuGraphDestroy");
    }
}
