using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Unrolled windows and pooling on a CUDA device, against the CPU.</summary>
public sealed class CudaWindowTests
{
    private static readonly (int[] Shape, Window Window)[] Geometries =
    [
        Case([1, 4, 4, 1], 2, 2, 0, 1), Case([2, 8, 8, 3], 4, 4, 0, 1), Case([2, 7, 9, 5], 3, 1, 1, 1), Case([1, 7, 6, 12], 3, 2, 1, 1), Case([2, 9, 9, 16], 3, 1, 2, 2),
        Case([1, 5, 5, 36], 5, 1, 2, 1), Case([1, 16, 16, 3], 8, 8, 0, 1), Case([1, 9, 8, 4], 3, 3, 0, 1), Case([3, 5, 5, 2], 1, 2, 0, 1), Case([0, 5, 5, 2], 3, 1, 1, 1),
        ([2, 6, 10, 4], new Window(2, 3, 1, 2, 0, 1, 2, 3, 4, 3)),
        // Windows that reach beyond the padding, and one that holds no pixel.
        ([1, 5, 5, 3], new Window(3, 3, 2, 2, 0, 0, 1, 1, 3, 3)), ([1, 3, 3, 4], new Window(2, 2, 2, 2, 2, 2, 1, 1, 3, 3)),
    ];

    public static TheoryData<PoolOp> Operations => new(Enum.GetValues<PoolOp>());

    [Fact]
    public void Windows_unroll_and_roll_back_as_on_the_CPU()
    {
        using ComparedBackends both = new();
        foreach ((int[] shape, Window w) in Geometries)
        {
            foreach (int offset in (int[])[0, 1])
            {
                Shape unrolled = [shape[0] * w.OutputHeight * w.OutputWidth, w.KernelHeight * w.KernelWidth * shape[3]];
                Contents x = Contents.Uniform(new Shape(shape), 1, -1, 1, offset), y = Contents.Unwritten(unrolled, offset);
                Contents dx = Contents.Unwritten(new Shape(shape), offset), sum = Contents.Uniform(new Shape(shape), 2, -1, 1, offset);
                both.AssertEqual($"{new Shape(shape)} under {w}", [x, y, dx, sum], (backend, v) =>
                {
                    backend.Im2Col(v[0], w, v[1]);
                    backend.Col2Im(v[1], w, new Destination(v[2]));
                    backend.Col2Im(v[1], w, new Destination(v[3], true));
                    backend.Col2Im(v[1], w, Destination.None);
                });
            }
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Pooling_and_its_gradient_agree_with_the_CPU(PoolOp op)
    {
        using ComparedBackends both = new();
        foreach ((int[] shape, Window w) in Geometries)
        {
            Shape pooled = [shape[0], w.OutputHeight, w.OutputWidth, shape[3]];
            // Few different values, so that there are ties.
            Contents x = Contents.Quarters(new Shape(shape), 1), y = Contents.Unwritten(pooled), dy = Contents.Uniform(pooled, 2, -1, 1);
            Contents dx = Contents.Unwritten(new Shape(shape)), sum = Contents.Uniform(new Shape(shape), 3, -1, 1);
            both.AssertEqual($"{op} of {new Shape(shape)} under {w}", [x, y, dy, dx, sum], (backend, v) =>
            {
                backend.Pool(op, v[0], w, v[1]);
                backend.PoolBackward(op, v[0], v[2], w, new Destination(v[3]));
                backend.PoolBackward(op, v[0], v[2], w, new Destination(v[4], true));
                backend.PoolBackward(op, v[0], v[2], w, Destination.None);
            });
        }
    }

    [Fact]
    public void Samples_with_more_elements_than_a_kernel_counts_are_cut()
    {
        using ComparedBackends both = new();
        ((CudaBackend)both.Cuda).MostCounted = 200;
        Window window = new(3, 3, 1, 1, 1, 1, 1, 1, 5, 4);
        Contents x = Contents.Quarters([7, 5, 4, 2], 1), y = Contents.Unwritten([140, 18]), dx = Contents.Unwritten([7, 5, 4, 2]), z = Contents.Unwritten([7, 5, 4, 2]), dz = Contents.Quarters([7, 5, 4, 2], 2);
        both.AssertEqual("cut", [x, y, dx, z, dz], (backend, v) =>
        {
            backend.Im2Col(v[0], window, v[1]);
            backend.Col2Im(v[1], window, new Destination(v[2]));
            backend.Pool(PoolOp.Max, v[0], window, v[3]);
            backend.PoolBackward(PoolOp.Max, v[0], v[3], window, new Destination(v[4], true));
        });
    }

    [Fact]
    public void The_largest_of_a_window_is_NaN_if_any_is_and_the_first_wins_a_tie()
    {
        using ComparedBackends both = new();
        const float NaN = float.NaN, Low = float.NegativeInfinity;
        Contents x = Contents.Of([1, 2, 2, 5], [1, 5, -1, NaN, Low, 1, NaN, -2, NaN, Low, 1, 7, -1, 3, Low, 1, 9, -3, NaN, Low]);
        Contents y = Contents.Unwritten([1, 1, 1, 5]), dy = Contents.Of([1, 1, 1, 5], [1f, 2, 3, 4, 5]), dx = Contents.Unwritten([1, 2, 2, 5]);
        Window window = new(2, 2, 2, 2, 0, 0, 1, 1, 1, 1);
        both.AssertEqual("ties", [x, y, dy, dx], (backend, v) =>
        {
            backend.Pool(PoolOp.Max, v[0], window, v[1]);
            backend.PoolBackward(PoolOp.Max, v[0], v[2], window, new Destination(v[3]));
        });
    }

    private static (int[] Shape, Window Window) Case(int[] shape, int kernel, int stride, int pad, int dilation)
    {
        int Length(int n) => ((n + (2 * pad) - (dilation * (kernel - 1)) - 1) / stride) + 1;
        return (shape, new Window(kernel, kernel, stride, stride, pad, pad, dilation, dilation, Length(shape[1]), Length(shape[2])));
    }
}
