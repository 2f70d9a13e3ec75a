namespace Dino.Tensors.Cpu;

/// <summary>
/// Windows of pictures [N, H, W, C] unrolled into rows [N·OH·OW, KH·KW·C], and back. Channels are last, so a kernel row without
/// dilation is one run of memory on both sides.
/// </summary>
internal static unsafe class Windows<V> where V : struct, IVec<V>
{
    /// <summary>The unrolled windows of one row of output pixels; <paramref name="row"/> = sample · OH + output row.</summary>
    public static void Im2Col(in Picture picture, float* x, float* y, long row)
    {
        (long sample, long outputY) = Math.DivRem(row, picture.Window.OutputHeight);
        long kernelRow = (long)picture.Window.KernelWidth * picture.Channels;
        float* target = y + (row * picture.Window.OutputWidth * picture.Window.KernelHeight * kernelRow);
        for (int outputX = 0; outputX < picture.Window.OutputWidth; outputX++)
        {
            for (int kernelY = 0; kernelY < picture.Window.KernelHeight; kernelY++, target += kernelRow)
            {
                int pictureY = picture.Y((int)outputY, kernelY);
                if (picture.HasRow(pictureY))
                    CopyKernelRow(picture, x + (((sample * picture.Height) + pictureY) * picture.RowElements), target, outputX);
                else
                    new Span<float>(target, (int)kernelRow).Clear();
            }
        }
    }

    private static void CopyKernelRow(in Picture picture, float* pixels, float* target, int outputX)
    {
        int channels = picture.Channels, kernelWidth = picture.Window.KernelWidth, first = picture.X(outputX, 0);
        if (picture.Window.DilationX == 1)
        {
            // Pixels before, in and after the picture.
            int before = Math.Clamp(-first, 0, kernelWidth), inside = Math.Clamp(picture.Width - first, before, kernelWidth);
            new Span<float>(target, before * channels).Clear();
            new Span<float>(pixels + ((long)(first + before) * channels), (inside - before) * channels)
                .CopyTo(new Span<float>(target + ((long)before * channels), (inside - before) * channels));
            new Span<float>(target + ((long)inside * channels), (kernelWidth - inside) * channels).Clear();
            return;
        }

        for (int kernelX = 0; kernelX < kernelWidth; kernelX++, target += channels)
        {
            int pictureX = picture.X(outputX, kernelX);
            if (picture.HasColumn(pictureX))
                new Span<float>(pixels + ((long)pictureX * channels), channels).CopyTo(new Span<float>(target, channels));
            else
                new Span<float>(target, channels).Clear();
        }
    }

    /// <summary>
    /// Gathers one row of pixels (<paramref name="row"/> = sample · H + y) from all windows over it, kernel rows outermost: every
    /// element is written by one task, in a fixed order.
    /// </summary>
    public static void Col2Im(in Picture picture, float* dy, float* dx, long row, bool accumulate)
    {
        (long sample, long pictureY) = Math.DivRem(row, picture.Height);
        float* pixels = dx + (row * picture.RowElements);
        if (!accumulate)
            new Span<float>(pixels, (int)picture.RowElements).Clear();
        for (int kernelY = 0; kernelY < picture.Window.KernelHeight; kernelY++)
        {
            long distance = pictureY + picture.Window.PadTop - ((long)kernelY * picture.Window.DilationY);
            (long outputY, long remainder) = Math.DivRem(distance, picture.Window.StrideY);
            if (distance < 0 || remainder != 0 || outputY >= picture.Window.OutputHeight)
                continue;
            AddKernelRows(picture, dy, pixels, (sample * picture.Window.OutputHeight) + outputY, kernelY);
        }
    }

    /// <summary>Adds kernel row <paramref name="kernelY"/> of the windows of one output row to the pixels under them.</summary>
    private static void AddKernelRows(in Picture picture, float* dy, float* pixels, long outputRow, int kernelY)
    {
        int channels = picture.Channels, kernelWidth = picture.Window.KernelWidth;
        long windowElements = (long)picture.Window.KernelHeight * kernelWidth * channels;
        for (int outputX = 0; outputX < picture.Window.OutputWidth; outputX++)
        {
            float* source = dy + (((outputRow * picture.Window.OutputWidth) + outputX) * windowElements) + ((long)kernelY * kernelWidth * channels);
            int first = picture.X(outputX, 0);
            if (picture.Window.DilationX == 1)
            {
                int before = Math.Clamp(-first, 0, kernelWidth), inside = Math.Clamp(picture.Width - first, before, kernelWidth);
                Add(pixels + ((long)(first + before) * channels), source + ((long)before * channels), (long)(inside - before) * channels);
                continue;
            }

            for (int kernelX = 0; kernelX < kernelWidth; kernelX++)
            {
                int pictureX = picture.X(outputX, kernelX);
                if (picture.HasColumn(pictureX))
                    Add(pixels + ((long)pictureX * channels), source + ((long)kernelX * channels), channels);
            }
        }
    }

    private static void Add(float* y, float* x, long n) => Elementwise<V>.Zip<BinaryOperators<V>.Add>(y, x, y, n);
}
