namespace Dino.Tensors;

/// <summary>Pictures as patches.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// Cuts pictures [B, C, H, W] into square patches, rows first: [B, (H/p)·(W/p), C·p·p]. A patch holds its channels one after the other, so
    /// that a torch convolution weight [D, C, p, p] is the matrix of a linear layer as it stands. What remains on the right and at the bottom is dropped.
    /// </summary>
    /// <exception cref="ShapeMismatchException">Not four axes, or smaller than one patch.</exception>
    public Tensor ToPatches(int size)
    {
        Shape shape = Shape;
        if (shape.Rank != 4 || shape[2] < size || shape[3] < size)
            throw new ShapeMismatchException($"ToPatches: pictures must be [B, C, H, W] with H and W at least {size}; they are {shape}.");
        (int batch, int channels, int height, int width) = (shape[0], shape[1], shape[2], shape[3]);
        (int rows, int columns) = (height / size, width / size);
        long plane = (long)height * width;
        Tensor patches = StridedFunction.Apply(nameof(ToPatches), this, [batch, rows, columns, channels, size, size], 0,
            [channels * plane, (long)size * width, size, plane, width, 1], covers: rows * size == height && columns * size == width);
        return patches.Reshape(batch, rows * columns, channels * size * size);
    }
}
