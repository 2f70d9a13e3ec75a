using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>
/// y[i] = x[0] + ... + x[i] along an axis; the gradient is the same sum from the other end. Done in ⌈log₂ n⌉ doubling steps (Hillis and Steele
/// 1986), each adding the tensor to itself shifted: any backend runs it, and rounding errors grow like log n.
/// </summary>
internal sealed class CumulativeSumFunction : Function
{
    private Tensor _x;
    private Shape _cube;

    public static Tensor Apply(Tensor x, int axis)
    {
        x.Require(DType.F32, nameof(Tensor.CumulativeSum));
        Scope scope = Scope.Of(nameof(Tensor.CumulativeSum), x);
        Shape shape = x.Shape;
        Shape cube = [checked((int)shape.Product(0, axis)), shape[axis], checked((int)shape.Product(axis + 1, shape.Rank))];
        Tensor y = scope.Empty(shape), before = scope.Empty(shape);
        scope.Backend.Copy(x.View, y.View);
        Scan(scope.Backend, y.View.As(cube), before.View.As(cube), fromEnd: false);
        if (scope.Record<CumulativeSumFunction>(y, x) is { } node)
            (node._x, node._cube) = (x, cube);
        return y;
    }

    protected override void Backward(in BackwardPass pass)
    {
        if (pass.Gradient(_x) is not { IsWanted: true } dx)
            return;
        View sum = dx.Accumulate ? pass.Scratch(_cube) : dx.View.As(_cube);
        pass.Backend.Copy(pass.OutputGradient.As(_cube), sum);
        Scan(pass.Backend, sum, pass.Scratch(_cube), fromEnd: true);
        if (dx.Accumulate)
            pass.Backend.Axpby(1, sum.As(dx.View.Shape), 1, dx.View);
    }

    /// <summary>y [outer, n, inner] becomes its running sum over the middle axis; <paramref name="before"/> is scratch.</summary>
    private static void Scan(Backend backend, View y, View before, bool fromEnd)
    {
        int n = y.Shape[1];
        for (int shift = 1; shift < n; shift *= 2)
        {
            backend.Copy(y, before);
            Shape part = y.Shape.With(1, n - shift);
            backend.CopyStrided(From(before, fromEnd ? shift : 0, part), From(y, fromEnd ? 0 : shift, part), accumulate: true);
        }
    }

    private static StridedView From(View cube, int start, Shape part)
    {
        (int n, long inner) = (cube.Shape[1], cube.Shape[2]);
        return new StridedView(cube.Slice(start * inner, part).Address, DType.F32, part, n * inner, inner, 1);
    }
}
