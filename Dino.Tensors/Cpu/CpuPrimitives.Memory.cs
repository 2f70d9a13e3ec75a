using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void Fill(in View y, float value)
    {
        switch (y.DType)
        {
            case DType.F32: FillWith(y, BitConverter.SingleToUInt32Bits(value)); break;
            case DType.I32: FillWith(y, (int)value); break;
            case DType.BF16: FillWith(y, Conversions.ToBFloat16(value)); break;
            case DType.F16: FillWith(y, BitConverter.HalfToUInt16Bits((Half)value)); break;
            case DType.U8: FillWith(y, Conversions.ToByte(value)); break;
            default: throw new ArgumentOutOfRangeException(nameof(y), y.DType, "Not an element type.");
        }
    }

    public override void Copy(in View x, in View y) => CopyBytes(x.Address, y.Address, y.Bytes);

    public override void Cast(in View x, in View y)
    {
        if (x.DType == y.DType)
            Copy(x, y);
        else
            Ranges.Run(Workers, y.Count, 1, new CastRange(x, y));
    }

    public override void CopyStrided(in StridedView x, in StridedView y, bool accumulate)
    {
        if (accumulate && y.DType != DType.F32)
            throw new ArgumentException($"A strided copy accumulates in F32 only, not in {y.DType}.", nameof(accumulate));
        if (y.Shape.Count == 0)
            return;
        StridedPlan plan = StridedPlan.Create(x, y);
        switch (y.DType.Size())
        {
            case 4 when accumulate: Walk<float, StridedCopy.Accumulate>(x, y, plan); break;
            case 4: Walk<int, StridedCopy.Overwrite<int>>(x, y, plan); break;
            case 2: Walk<short, StridedCopy.Overwrite<short>>(x, y, plan); break;
            default: Walk<byte, StridedCopy.Overwrite<byte>>(x, y, plan); break;
        }
    }

    public override void RandomUniform(in View y, RandomKey key, float low, float high) =>
        Ranges.Run(Workers, RandomKernels.Blocks(y.Count), RandomKernels.UniformWeight, new UniformRange(y.F32, y.Count, key, low, high));

    public override void RandomNormal(in View y, RandomKey key, float mean, float deviation) =>
        Ranges.Run(Workers, RandomKernels.Blocks(y.Count), RandomKernels.NormalWeight, new NormalRange(y.F32, y.Count, key, mean, deviation));

    /// <summary>Copies bytes on all threads: one core does not fill the memory bus.</summary>
    private void CopyBytes(nint source, nint destination, long bytes)
    {
        const long BytesPerElement = sizeof(float);
        if (bytes <= Ranges.TaskElements * BytesPerElement)
            Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);
        else
            Ranges.Run(Workers, (bytes + BytesPerElement - 1) / BytesPerElement, 1, new CopyRange(source, destination, bytes));
    }

    /// <summary>Repeats a bit pattern: -0 is not the zero that memory can be cleared to.</summary>
    private void FillWith<T>(in View y, T value)
        where T : unmanaged => Ranges.Run(Workers, y.Count, 1, new FillRange<T>((T*)y.Address, value));

    private void Walk<T, TStore>(in StridedView x, in StridedView y, in StridedPlan plan)
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        WalkRange<T, TStore> range = new((T*)x.Address, (T*)y.Address, plan);
        if (plan.MayRunInParallel)
            Ranges.Run(Workers, plan.Tiles, plan.TileElements, range);
        else
            range.Run(0, plan.Tiles);
    }

    private readonly struct FillRange<T>(T* y, T value) : IRange
        where T : unmanaged
    {
        public void Run(long start, long end)
        {
            if (EqualityComparer<T>.Default.Equals(value, default))
            {
                NativeMemory.Clear(y + start, (nuint)(end - start) * (nuint)sizeof(T));
                return;
            }

            for (; start < end; start += Ranges.TaskElements)
                new Span<T>(y + start, (int)Math.Min(end - start, Ranges.TaskElements)).Fill(value);
        }
    }

    private readonly struct CopyRange(nint source, nint destination, long bytes) : IRange
    {
        public void Run(long start, long end)
        {
            long first = start * sizeof(float), length = Math.Min(end * sizeof(float), bytes) - first;
            Buffer.MemoryCopy((void*)(source + (nint)first), (void*)(destination + (nint)first), length, length);
        }
    }

    private readonly struct CastRange(View x, View y) : IRange
    {
        public void Run(long start, long end) => Conversions.Convert(x.DType, x.Address, y.DType, y.Address, start, end);
    }

    private readonly struct WalkRange<T, TStore>(T* x, T* y, StridedPlan plan) : IRange
        where T : unmanaged
        where TStore : struct, IStridedStore<T>
    {
        private readonly StridedPlan _plan = plan;

        public void Run(long start, long end) => StridedCopy.Run<T, TStore>(x, y, in _plan, start, end);
    }

    private readonly struct UniformRange(float* y, long count, RandomKey key, float low, float high) : IRange
    {
        public void Run(long start, long end) => RandomKernels.Uniform(y, count, start, end, key, low, high);
    }

    private readonly struct NormalRange(float* y, long count, RandomKey key, float mean, float deviation) : IRange
    {
        public void Run(long start, long end) => RandomKernels.Normal(y, count, start, end, key, mean, deviation);
    }
}
