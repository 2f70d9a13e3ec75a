namespace Dino.Cuda.Native;

/// <summary>Properties of a device that are numbers (<c>CUdevice_attribute</c>).</summary>
internal enum DeviceAttribute
{
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerBlockOptin = 97,
}

/// <summary>Properties of a kernel (<c>CUfunction_attribute</c>).</summary>
internal enum FunctionAttribute
{
    SharedSizeBytes = 1,
    LocalSizeBytes = 3,
    Registers = 4,
    MaxDynamicSharedSizeBytes = 8,
}

/// <summary>Options of compiling PTX (<c>CUjit_option</c>).</summary>
internal enum JitOption
{
    ErrorLogBuffer = 5,
    ErrorLogBufferSizeBytes = 6,
}

/// <summary>Which unsafe calls a capture forbids (<c>CUstreamCaptureMode</c>).</summary>
internal enum CaptureMode
{
    /// <summary>Those of all threads.</summary>
    Global = 0,

    /// <summary>Those of the thread that records.</summary>
    ThreadLocal = 1,

    /// <summary>None: scratch memory may grow while work is recorded, for what a graph does it does with fixed addresses.</summary>
    Relaxed = 2,
}

/// <summary>Whether a stream records (<c>CUstreamCaptureStatus</c>).</summary>
internal enum CaptureStatus
{
    None = 0,
    Active = 1,
    Invalidated = 2,
}

/// <summary>Markers in the list of extra launch options (<c>CU_LAUNCH_PARAM_*</c>): the kernel's parameters as one block of bytes with a size.</summary>
internal static class LaunchOption
{
    public const nint End = 0, BufferPointer = 1, BufferSize = 2;
}
