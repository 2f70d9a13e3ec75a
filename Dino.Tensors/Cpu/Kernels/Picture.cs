using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Pictures [Samples, Height, Width, Channels] and the window that moves over them.</summary>
internal readonly struct Picture
{
    public Picture(in Shape shape, in Window window)
    {
        if (shape.Rank != 4)
            throw new ShapeMismatchException($"Windows move over [N, H, W, C], not {shape}.");
        (Samples, Height, Width, Channels) = (shape[0], shape[1], shape[2], shape[3]);
        Window = window;
    }

    public Window Window { get; }

    public int Samples { get; }

    public int Height { get; }

    public int Width { get; }

    public int Channels { get; }

    /// <summary>Elements of one row of pixels.</summary>
    public long RowElements => (long)Width * Channels;

    /// <summary>Elements of one row of output pixels.</summary>
    public long OutputRowElements => (long)Window.OutputWidth * Channels;

    /// <summary>Picture row under kernel row <paramref name="kernelY"/> of output row <paramref name="outputY"/>; may lie outside.</summary>
    public int Y(int outputY, int kernelY) => (outputY * Window.StrideY) - Window.PadTop + (kernelY * Window.DilationY);

    /// <inheritdoc cref="Y"/>
    public int X(int outputX, int kernelX) => (outputX * Window.StrideX) - Window.PadLeft + (kernelX * Window.DilationX);

    public bool HasRow(int y) => (uint)y < (uint)Height;

    public bool HasColumn(int x) => (uint)x < (uint)Width;
}
