namespace Dino.Tests.Cuda.Emulator;

/// <summary>The driver's codes of errors.</summary>
internal static class EmulatedErrors
{
    public const int InvalidValue = 1, OutOfMemory = 2, NotInitialized = 3, InvalidDevice = 101, InvalidContext = 201, InvalidPtx = 218, InvalidHandle = 400,
        NotFound = 500, IllegalAddress = 700, LaunchOutOfResources = 701, CaptureUnsupported = 900, CaptureInvalidated = 901, CaptureWrongThread = 908, Unknown = 999;

    public static ReadOnlySpan<byte> Name(int code) => code switch
    {
        InvalidValue => "CUDA_ERROR_INVALID_VALUE"u8,
        OutOfMemory => "CUDA_ERROR_OUT_OF_MEMORY"u8,
        NotInitialized => "CUDA_ERROR_NOT_INITIALIZED"u8,
        InvalidDevice => "CUDA_ERROR_INVALID_DEVICE"u8,
        InvalidContext => "CUDA_ERROR_INVALID_CONTEXT"u8,
        InvalidPtx => "CUDA_ERROR_INVALID_PTX"u8,
        InvalidHandle => "CUDA_ERROR_INVALID_HANDLE"u8,
        NotFound => "CUDA_ERROR_NOT_FOUND"u8,
        IllegalAddress => "CUDA_ERROR_ILLEGAL_ADDRESS"u8,
        LaunchOutOfResources => "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"u8,
        CaptureUnsupported => "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"u8,
        CaptureInvalidated => "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"u8,
        CaptureWrongThread => "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"u8,
        _ => "CUDA_ERROR_UNKNOWN"u8,
    };
}
