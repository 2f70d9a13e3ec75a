using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>A view as kernels read it; <c>crops.cuh</c> has its twin.</summary>
/// <param name="Crop">What is done.</param>
/// <param name="Weights">First element of its table of weights: of columns, then of rows, [2 + taps, side] each: starts, counts, and weights by tap.</param>
/// <param name="ColumnTaps">Pixels that make one of a row, at most.</param>
/// <param name="RowTaps">Pixels that make one of a column, at most.</param>
internal readonly record struct CropTask(PictureCrop Crop, long Weights, int ColumnTaps, int RowTaps);

/// <summary>Where the tables of weights of a batch of crops lie, and what has to be done with any of them.</summary>
/// <param name="Weights">Elements of all tables.</param>
/// <param name="HasBlur">Whether there is a crop to blur.</param>
internal readonly record struct CropPlan(long Weights, bool HasBlur)
{
    /// <summary>Completes the tasks of crops.</summary>
    /// <exception cref="ArgumentException">A box has no pixels.</exception>
    public static CropPlan Of(ReadOnlySpan<PictureCrop> crops, in CropFormat format, Span<CropTask> tasks)
    {
        long weights = 0;
        bool hasBlur = false;
        for (int i = 0; i < crops.Length; i++)
        {
            PictureCrop crop = crops[i];
            if (crop.Width <= 0 || crop.Height <= 0)
                throw new ArgumentException($"Crop {i} has a box of {crop.Width} x {crop.Height} pixels.", nameof(crops));
            int columns = Taps(crop.Width, format), rows = Taps(crop.Height, format);
            tasks[i] = new CropTask(crop, weights, columns, rows);
            weights += (4L + columns + rows) * format.Side;
            hasBlur |= crop.BlurFull != 0;
        }

        return new CropPlan(weights, hasBlur);
    }

    /// <summary>The filter's reach on both sides of a target pixel, which shrinking widens; no more than there are pixels.</summary>
    private static int Taps(int length, in CropFormat format)
    {
        double support = Support(format.Filter) * Math.Max(1, (double)length / format.Side);
        return Math.Min(length, ((int)Math.Ceiling(support) * 2) + 1);
    }

    private static double Support(CropFilter filter) => filter switch
    {
        CropFilter.Box => 0.5,
        CropFilter.Bilinear => 1,
        _ => 2,
    };
}
