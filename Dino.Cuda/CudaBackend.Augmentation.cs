using System.Numerics;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Columns and rows of a tile, the work of a block of the resize.</summary>
    private const int CropTile = 32;

    /// <summary>Threads of the block that changes the colours of a view: all of its pixels, because contrast needs their mean.</summary>
    private const int ColorThreads = 512;

    /// <summary>Bytes of a view that a block blurs at a time: with as many for the result, what a kernel has of shared memory unasked is not exceeded.</summary>
    private const int BlurBytes = 16 << 10;

    private readonly record struct ResampleArguments(nint Pictures, nint Tasks, nint Weights, nint Planes, long PlaneStride, int Side, int Filter);

    private readonly record struct ColorArguments(nint Tasks, nint Planes, nint Y, long PlaneStride, int Side, Normalization Normalization, int Padding = 0);

    private readonly record struct BlurArguments(nint Tasks, nint Planes, nint Y, long PlaneStride, int Side, int Lines, Divisor Inner, Normalization Normalization, int Padding = 0);

    private readonly record struct Normalization(float Red, float Green, float Blue, float RedDeviation, float GreenDeviation, float BlueDeviation)
    {
        public Normalization(in CropFormat format)
            : this(format.Mean.Red, format.Mean.Green, format.Mean.Blue, format.Deviation.Red, format.Deviation.Green, format.Deviation.Blue)
        {
        }
    }

    public override Augmentation CreateAugmentation() => new CudaAugmentation(this, context, _queue);

    /// <summary>Makes views: resize, colours, blur. A view that is not blurred is complete after its colours.</summary>
    /// <param name="pictures">First byte of the pictures.</param>
    /// <param name="tasks">The views, in device memory.</param>
    /// <param name="count">How many.</param>
    /// <param name="plan">What they need.</param>
    /// <param name="format">What they have in common.</param>
    /// <param name="y">[count, 3, side, side].</param>
    internal void MakeCrops(nint pictures, nint tasks, int count, in CropPlan plan, in CropFormat format, in View y)
    {
        int side = format.Side;
        // Kernels take four pixels at a time.
        long planeStride = (((long)side * side) + 15) & ~15L;
        using ScratchFrame scratch = OpenScratch();
        // Other boxes need other tables: a power of two is outgrown rarely.
        nint weights = scratch.Take([checked((int)BitOperations.RoundUpToPowerOf2((ulong)plan.Weights))], DType.I32).Address;
        nint planes = scratch.Take([count, 3, checked((int)planeStride)], DType.U8).Address;

        ResampleArguments resample = new(pictures, tasks, weights, planes, planeStride, side, (int)format.Filter);
        Launch(_kernels["crop_resample", "crop_weights"], resample, (count, Blocks(2 * side, BlockThreads), 1), BlockThreads);
        Launch(_kernels["crop_resample", "crop_resample"], resample, (count, Blocks(side, CropTile), Blocks(side, CropTile)), BlockThreads);
        Normalization normalization = new(format);
        Launch(_kernels["crop_colors", "crop_colors"], new ColorArguments(tasks, planes, y.Address, planeStride, side, normalization), (count, 1, 1), ColorThreads);
        if (!plan.HasBlur)
            return;

        int rows = Math.Clamp(BlurBytes / side, 1, side), columns = Math.Clamp(BlurBytes / side, 1, Math.Min(side, CropTile));
        Launch(_kernels["crop_blur", "crop_blur_rows"], new BlurArguments(tasks, planes, y.Address, planeStride, side, rows, new Divisor(side), normalization), (count, Blocks(side, rows), 3), BlockThreads, 2 * rows * side);
        Launch(_kernels["crop_blur", "crop_blur_columns"], new BlurArguments(tasks, planes, y.Address, planeStride, side, columns, new Divisor(columns), normalization), (count, Blocks(side, columns), 3), BlockThreads, 2 * columns * side);

        static int Blocks(int length, int perBlock) => (length + perBlock - 1) / perBlock;
    }
}
