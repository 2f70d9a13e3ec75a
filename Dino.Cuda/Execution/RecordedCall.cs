using Dino.Cuda.Native;

namespace Dino.Cuda.Execution;

/// <summary>What a call does.</summary>
internal enum CallKind : byte
{
    /// <summary>Runs a kernel.</summary>
    Launch,

    /// <summary>Copies device memory to device memory.</summary>
    Copy,

    /// <summary>Copies host memory to device memory.</summary>
    Upload,

    /// <summary>Multiplies matrices by a library.</summary>
    Product,
}

/// <summary>The shape of a launch.</summary>
internal readonly record struct LaunchShape(uint GridX, uint GridY, uint GridZ, uint Threads, uint SharedBytes)
{
    public override string ToString() => $"grid {GridX} x {GridY} x {GridZ}, block {Threads}, shared memory {SharedBytes} bytes";
}

/// <summary>One call of a recorded stretch of work: all that must be equal for the record to hold, except the arguments of a kernel.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Kernel">The kernel of a launch.</param>
/// <param name="Shape">The shape of a launch.</param>
/// <param name="Source">Where a copy reads.</param>
/// <param name="Target">Where a copy or an upload writes.</param>
/// <param name="Bytes">Size of the arguments of a launch, or of the memory that is copied.</param>
/// <param name="Product">The call of a library: what it runs, and on what, is the library's business, so all of it must be equal.</param>
internal readonly record struct RecordedCall(CallKind Kind, Kernel? Kernel, LaunchShape Shape, nint Source, nint Target, long Bytes, LibraryProduct Product = default)
{
    /// <summary>Hands the call to the stream, whether that runs it or records it.</summary>
    /// <param name="memory">The arguments of a launch, or what an upload reads.</param>
    public unsafe void Queue(CudaContext context, nint memory)
    {
        DriverTable driver = context.Driver;
        switch (Kind)
        {
            case CallKind.Launch:
                nuint size = (nuint)Bytes;
                nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, memory, LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
                CudaResult result = driver.cuLaunchKernel(
                    Kernel!.Function, Shape.GridX, Shape.GridY, Shape.GridZ, Shape.Threads, 1, 1, Shape.SharedBytes, context.Stream, null, (void**)extra);
                if (result != CudaResult.Success)
                    driver.Check(result, $"driver.cuLaunchKernel({Kernel.Name}, {Shape})");
                break;
            case CallKind.Copy:
                driver.Check(driver.cuMemcpyDtoDAsync(Target, Source, (nuint)Bytes, context.Stream));
                break;
            case CallKind.Product:
                Product.Library.Multiply(Product);
                break;
            default:
                driver.Check(driver.cuMemcpyHtoDAsync(Target, (void*)memory, (nuint)Bytes, context.Stream));
                break;
        }
    }
}
