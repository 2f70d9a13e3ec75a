using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Runs backend operations on a CUDA device. Operands end where their allocations end, so that the device notices a kernel that goes on.</summary>
internal sealed class DeviceBed : IDisposable
{
    private readonly Device _device;
    private readonly List<(nint Address, long Bytes)> _allocations = [];
    private readonly int _skew;

    /// <param name="skew">Elements between 16-byte boundaries and the beginnings of operands.</param>
    /// <param name="precision">How the device multiplies.</param>
    public DeviceBed(int skew = 0, CudaPrecision precision = CudaPrecision.FP32)
        : this(Devices.OpenCuda(precision), skew)
    {
    }

    /// <param name="device">The bed's from now on.</param>
    /// <inheritdoc cref="DeviceBed(int, CudaPrecision)"/>
    public DeviceBed(Device device, int skew = 0) => (_device, _skew) = (device, skew);

    public Backend Backend => _device.Backend;

    /// <summary>Runs a problem, overwriting and accumulating, and compares every operand with its truth.</summary>
    public void AssertSolves(KernelProblem problem) => problem.AssertSolved(_skew == 0 ? "cuda" : $"cuda, {_skew} elements off", accumulate => Solve(problem, accumulate));

    /// <summary>Every operand as a problem leaves it.</summary>
    public float[][] Solve(KernelProblem problem, bool accumulate = false)
    {
        View[] views = [.. problem.Operands.Select(operand => Place(operand, accumulate))];
        problem.Run(Backend, views, accumulate);
        float[][] results = [.. views.Select(ReadValues)];
        Release();
        return results;
    }

    /// <summary>Managed bytes that a warm call allocates.</summary>
    public long AllocatedBytes(KernelProblem problem)
    {
        View[] views = [.. problem.Operands.Select(operand => Place(operand, accumulate: false))];
        problem.Run(Backend, views, false);
        problem.Run(Backend, views, false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        problem.Run(Backend, views, false);
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Release();
        return bytes;
    }

    /// <summary>Memory of the device that holds values, or NaN where there are none.</summary>
    public View Write(ReadOnlySpan<float> values, Shape shape, DType type = DType.F32)
    {
        View view = Take(shape, type);
        float[] content = new float[shape.Count];
        if (values.IsEmpty)
            Array.Fill(content, float.NaN);
        else
            values.CopyTo(content);
        if (type == DType.BF16)
            Backend.Upload(MemoryMarshal.AsBytes(Array.ConvertAll(content, Conversions.ToBFloat16).AsSpan()), view);
        else
            Backend.Upload(MemoryMarshal.AsBytes(content.AsSpan()), view);
        return view;
    }

    /// <summary>Memory of the device.</summary>
    public View Take(Shape shape, DType type = DType.F32)
    {
        long bytes = (shape.Count + _skew) * type.Size();
        nint address = Backend.Allocate(bytes);
        _allocations.Add((address, bytes));
        return new View(address + (_skew * type.Size()), type, shape);
    }

    /// <summary>Values in F32 or BF16.</summary>
    public float[] ReadValues(View view) =>
        view.DType == DType.F32 ? Read<float>(view) : Array.ConvertAll(Read<ushort>(view), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    public T[] Read<T>(View view)
        where T : unmanaged
    {
        T[] values = new T[view.Count];
        Backend.Download(view, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Frees all operands.</summary>
    public void Release()
    {
        foreach ((nint address, long bytes) in _allocations)
            Backend.Free(address, bytes);
        _allocations.Clear();
    }

    public void Dispose()
    {
        Release();
        _device.Dispose();
    }

    private View Place(Operand operand, bool accumulate)
    {
        bool filled = operand.Access is Access.Input or Access.InPlace || (operand.Access == Access.Gradient && accumulate);
        return Write(filled ? operand.Values : default, operand.Shape, operand.IsInner ? DType.BF16 : DType.F32);
    }
}
