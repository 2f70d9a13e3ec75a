using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct CastArguments(nint X, nint Y, long Count, long Quads);

    public override void Cast(in View x, in View y)
    {
        if (x.DType == y.DType)
        {
            Copy(x, y);
            return;
        }

        // Four elements of either size lie on a multiple of it.
        bool isAligned = x.Address % (QuadElements * x.DType.Size()) == 0 && y.Address % (QuadElements * y.DType.Size()) == 0;
        CastArguments arguments = new(x.Address, y.Address, y.Count, isAligned ? y.Count / QuadElements : 0);
        LaunchOver(_kernels["cast", CastKernel(x.DType, y.DType)], arguments, y.Count, QuadElements);
    }

    private static string CastKernel(DType from, DType to) => (from, to) switch
    {
        (DType.F32, DType.BF16) => "cast_f32_bf16",
        (DType.F32, DType.F16) => "cast_f32_f16",
        (DType.F32, DType.I32) => "cast_f32_i32",
        (DType.F32, DType.U8) => "cast_f32_u8",
        (DType.BF16, DType.F32) => "cast_bf16_f32",
        (DType.BF16, DType.F16) => "cast_bf16_f16",
        (DType.BF16, DType.I32) => "cast_bf16_i32",
        (DType.BF16, DType.U8) => "cast_bf16_u8",
        (DType.F16, DType.F32) => "cast_f16_f32",
        (DType.F16, DType.BF16) => "cast_f16_bf16",
        (DType.F16, DType.I32) => "cast_f16_i32",
        (DType.F16, DType.U8) => "cast_f16_u8",
        (DType.I32, DType.F32) => "cast_i32_f32",
        (DType.I32, DType.BF16) => "cast_i32_bf16",
        (DType.I32, DType.F16) => "cast_i32_f16",
        (DType.I32, DType.U8) => "cast_i32_u8",
        (DType.U8, DType.F32) => "cast_u8_f32",
        (DType.U8, DType.BF16) => "cast_u8_bf16",
        (DType.U8, DType.F16) => "cast_u8_f16",
        (DType.U8, DType.I32) => "cast_u8_i32",
        _ => throw new ArgumentOutOfRangeException(nameof(to), $"There is no conversion from {from} to {to}."),
    };
}
