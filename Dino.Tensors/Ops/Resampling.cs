using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Linear maps along an axis: interpolation of pictures, adaptive pooling.</summary>
public readonly partial struct Tensor
{
    /// <summary>Resizes channels-last pictures, as torch's interpolate does.</summary>
    /// <param name="size">Rows and columns wanted.</param>
    /// <param name="mode">Kernel.</param>
    /// <param name="antialias">Widens the kernel when shrinking.</param>
    /// <param name="alignCorners">Maps corner pixels to corner pixels.</param>
    /// <param name="scaleY">Rows wanted per row given, where a factor and not a size maps coordinates (see <see cref="InterpolationMatrix.Build"/>); 0 derives it from the size.</param>
    /// <param name="scaleX">The same for columns.</param>
    /// <returns>[N, size.Y, size.X, C] for pictures [N, H, W, C].</returns>
    /// <exception cref="ShapeMismatchException">Not four axes, or no pixels.</exception>
    public Tensor Resize2D(Size2D size, Interpolation mode = Interpolation.Bilinear, bool antialias = false, bool alignCorners = false, double scaleY = 0, double scaleX = 0)
    {
        if (Shape.Rank != 4 || Shape[1] < 1 || Shape[2] < 1 || size.Y < 1 || size.X < 1)
            throw new ShapeMismatchException($"Resize2D: pictures {Shape} must be [N, H, W, C] to be resized to {size}.");
        return Resize(1, size.Y, mode, antialias, alignCorners, scaleY).Resize(2, size.X, mode, antialias, alignCorners, scaleX);
    }

    /// <summary>Resizes channels-last pictures by factors: ⌊factor · length⌋ pixels, the factors themselves mapping coordinates.</summary>
    /// <inheritdoc cref="Resize2D(Size2D, Interpolation, bool, bool, double, double)"/>
    public Tensor Resize2D(double scaleY, double scaleX, Interpolation mode = Interpolation.Bilinear, bool antialias = false, bool alignCorners = false)
    {
        if (Shape.Rank != 4)
            throw new ShapeMismatchException($"Resize2D: pictures {Shape} must be [N, H, W, C].");
        return Resize2D(new Size2D((int)Math.Floor(Shape[1] * scaleY), (int)Math.Floor(Shape[2] * scaleX)), mode, antialias, alignCorners, scaleY, scaleX);
    }

    private Tensor Resize(int axis, int length, Interpolation mode, bool antialias, bool alignCorners, double scale)
    {
        int given = Shape[axis];
        float[] matrix = InterpolationMatrix.Build(mode, given, length, scale, antialias, alignCorners);
        if (mode != Interpolation.Nearest)
            return ResampleAxis(axis, matrix, length);
        // Copies: exact, and pixels that are not finite stay where they are.
        int[] nearest = new int[length];
        for (int i = 0; i < length; i++)
            nearest[i] = matrix.AsSpan(i * given, given).IndexOf(1f);
        return IndexSelect(axis, nearest);
    }

    /// <summary>Each run of elements along an axis multiplied by a constant matrix [length, length of the axis].</summary>
    private Tensor ResampleAxis(int axis, float[] matrix, int length)
    {
        Scope scope = Scope.Of("Resample", this);
        return ResampleFunction.Apply(this, scope.Upload(matrix, [length, Shape[axis]]).View, axis);
    }

    private sealed class ResampleFunction : Function
    {
        private Tensor _x;
        private View _matrix;
        private int _outer;
        private int _inner;

        public static Tensor Apply(Tensor x, View matrix, int axis)
        {
            x.Require(DType.F32, "Resample");
            Scope scope = Scope.Of("Resample", x);
            Shape shape = x.Shape;
            Tensor y = scope.Empty(shape.With(axis, matrix.Shape[0]));
            int outer = checked((int)shape.Product(0, axis)), inner = checked((int)shape.Product(axis + 1, shape.Rank));
            scope.Backend.MatMul(Product(matrix, x.View, y.View, outer, inner, transpose: false, 0));
            if (scope.Record<ResampleFunction>(y, x) is { } node)
                (node._x, node._matrix, node._outer, node._inner) = (x, matrix, outer, inner);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.MatMul(Product(_matrix, pass.OutputGradient, dx.View, _outer, _inner, transpose: true, dx.Beta));
        }

        /// <summary>y[o] = matrix · x[o] (or its transpose) for each of the outer positions: one matrix, repeated.</summary>
        private static MatMulArguments Product(View matrix, View x, View y, int outer, int inner, bool transpose, float beta)
        {
            (int m, int k) = transpose ? (matrix.Shape[1], matrix.Shape[0]) : (matrix.Shape[0], matrix.Shape[1]);
            return MatMulArguments.Single(matrix.Address, x.Address, y.Address, m, inner, k, transposeA: transpose) with
            {
                Beta = beta,
                OuterBatch = outer,
                OuterStrideA = 0,
                OuterStrideB = (long)k * inner,
                OuterStrideY = (long)m * inner,
            };
        }
    }
}
