using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct FillArguments(nint Y, long Count, uint Pattern, int Padding = 0);

    public override void Fill(in View y, float value)
    {
        (string kernel, uint pattern) = y.DType switch
        {
            DType.F32 => ("fill_4", BitConverter.SingleToUInt32Bits(value)),
            DType.I32 => ("fill_4", (uint)(int)value),
            DType.BF16 => ("fill_2", (uint)Conversions.ToBFloat16(value)),
            DType.F16 => ("fill_2", BitConverter.HalfToUInt16Bits((Half)value)),
            DType.U8 => ("fill_1", (uint)Conversions.ToByte(value)),
            _ => throw new ArgumentOutOfRangeException(nameof(y), y.DType, "Not an element type."),
        };
        LaunchOver(_kernels["fill", kernel], new FillArguments(y.Address, y.Count, pattern), y.Count);
    }
}
