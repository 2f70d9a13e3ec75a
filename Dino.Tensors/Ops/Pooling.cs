using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Pooling of channels-last pictures [N, H, W, C].</summary>
public readonly partial struct Tensor
{
    /// <summary>Largest element of each window; the first one gets the gradient of a tie, row by row.</summary>
    /// <param name="kernel">Window.</param>
    /// <param name="stride">Distance between windows; left out, the kernel.</param>
    /// <param name="padding">Border that never wins, at most half the kernel.</param>
    /// <param name="dilation">Distance between the elements of a window; left out, 1.</param>
    /// <param name="ceiling">Also windows that reach beyond the border (torch's ceil_mode).</param>
    /// <returns>[N, OH, OW, C].</returns>
    /// <exception cref="ShapeMismatchException">Not four axes, or the window does not fit.</exception>
    public Tensor MaxPool2D(Size2D kernel, Size2D stride = default, Size2D padding = default, Size2D dilation = default, bool ceiling = false)
    {
        RequireBorder(nameof(MaxPool2D), kernel, padding);
        return PoolFunction.Apply(PoolOp.Max, this, Slide(nameof(MaxPool2D), Shape, kernel, stride.Or(kernel), padding, dilation.Or(1), ceiling));
    }

    /// <summary>Mean of each window.</summary>
    /// <param name="kernel">Window.</param>
    /// <param name="stride">Distance between windows; left out, the kernel.</param>
    /// <param name="padding">Border of zeros, at most half the kernel.</param>
    /// <param name="ceiling">Also windows that reach beyond the border (torch's ceil_mode).</param>
    /// <param name="countPadding">Whether the border's zeros count in the mean; what lies beyond the border never does.</param>
    /// <returns>[N, OH, OW, C].</returns>
    /// <exception cref="ShapeMismatchException">Not four axes, or the window does not fit.</exception>
    public Tensor AveragePool2D(Size2D kernel, Size2D stride = default, Size2D padding = default, bool ceiling = false, bool countPadding = true)
    {
        RequireBorder(nameof(AveragePool2D), kernel, padding);
        Window window = Slide(nameof(AveragePool2D), Shape, kernel, stride.Or(kernel), padding, 1, ceiling);
        if (!countPadding)
            return PoolFunction.Apply(PoolOp.Average, this, window);
        bool overhangs = ((window.OutputHeight - 1) * window.StrideY) + kernel.Y > Shape[1] + (2 * padding.Y)
            || ((window.OutputWidth - 1) * window.StrideX) + kernel.X > Shape[2] + (2 * padding.X);
        if (!overhangs || padding == default)
            return PoolFunction.Apply(overhangs ? PoolOp.Average : PoolOp.AverageWithPadding, this, window);
        // The last windows reach beyond the border: with the border made part of the picture, only what lies inside counts.
        Tensor bordered = Pad(1, padding.Y, padding.Y).Pad(2, padding.X, padding.X);
        return PoolFunction.Apply(PoolOp.Average, bordered, window with { PadTop = 0, PadLeft = 0 });
    }

    /// <summary>Means over size.Y × size.X blocks that cover the picture, overlapping where its lengths are no multiples: block i begins at ⌊i H / size⌋ and ends at ⌈(i + 1) H / size⌉.</summary>
    /// <returns>[N, size.Y, size.X, C].</returns>
    /// <exception cref="ShapeMismatchException">Not four axes.</exception>
    public Tensor AdaptiveAveragePool2D(Size2D size)
    {
        if (Shape.Rank != 4 || size.Y < 1 || size.X < 1)
            throw new ShapeMismatchException($"AdaptiveAveragePool2D: pictures {Shape} must be [N, H, W, C] to be pooled to {size}.");
        if (size == 1)
            return Mean([1, 2], keep: true);
        return ResampleAxis(1, Blocks(Shape[1], size.Y), size.Y).ResampleAxis(2, Blocks(Shape[2], size.X), size.X);
    }

    private static float[] Blocks(int length, int count)
    {
        float[] matrix = new float[count * length];
        for (int i = 0; i < count; i++)
        {
            int start = (int)((long)i * length / count), end = (int)((((long)i + 1) * length + count - 1) / count);
            matrix.AsSpan((i * length) + start, end - start).Fill(1f / (end - start));
        }

        return matrix;
    }

    private static void RequireBorder(string operation, Size2D kernel, Size2D padding)
    {
        if (2 * padding.Y > kernel.Y || 2 * padding.X > kernel.X)
            throw new ArgumentException($"{operation}: padding {padding} is more than half the kernel {kernel}: a window could miss the picture.");
    }

    private sealed class PoolFunction : Function
    {
        private PoolOp _op;
        private Tensor _x;
        private Window _window;

        public static Tensor Apply(PoolOp op, Tensor x, Window window)
        {
            x.Require(DType.F32, "Pool2D");
            Scope scope = Scope.Of("Pool2D", x);
            Tensor y = scope.Empty([x.Shape[0], window.OutputHeight, window.OutputWidth, x.Shape[3]]);
            scope.Backend.Pool(op, x.View, window, y.View);
            if (scope.Record<PoolFunction>(y, x) is { } node)
                (node._op, node._x, node._window) = (op, x, window);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.PoolBackward(_op, _x.View, pass.OutputGradient, _window, dx);
        }
    }
}
