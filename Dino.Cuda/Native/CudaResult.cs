namespace Dino.Cuda.Native;

/// <summary>What a call of the driver returns (<c>CUresult</c>); only the codes that are told apart have names here.</summary>
internal enum CudaResult
{
    Success = 0,
    OutOfMemory = 2,
    NoDevice = 100,
}
