using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Unrolled windows and pooling against their definitions, pixel by pixel.</summary>
public sealed class WindowTests
{
    private static readonly (int[] Shape, Window Window)[] Geometries =
    [
        Case([1, 4, 4, 1], 2, 2, 0, 1), Case([2, 8, 8, 3], 4, 4, 0, 1), Case([2, 7, 9, 5], 3, 1, 1, 1), Case([1, 7, 6, 17], 3, 2, 1, 1),
        Case([3, 9, 9, 16], 3, 1, 2, 2), Case([1, 5, 5, 70], 5, 1, 2, 1), Case([2, 32, 32, 33], 3, 2, 1, 1),
        ([2, 6, 10, 4], new Window(2, 3, 1, 2, 0, 1, 2, 3, 4, 3)),
    ];

    public static TheoryData<Width> All => Widths.All;

    public static TheoryData<Width, PoolOp> Pools => Widths.With<PoolOp>();

    [Theory, MemberData(nameof(All))]
    public void Windows_unroll_and_roll_back(Width width)
    {
        using Backend backend = Widths.Create(width, 2);
        foreach ((int[] shape, Window w) in Geometries)
        {
            int columns = w.KernelHeight * w.KernelWidth * shape[3];
            Shape unrolled = [shape[0] * w.OutputHeight * w.OutputWidth, columns];
            using GuardedMemory x = Random(new Shape(shape), 1), y = new(unrolled), dx = new(new Shape(shape)), sum = new(new Shape(shape));
            sum.Floats.Fill(2);
            backend.Im2Col(x.View, w, y.View);
            backend.Col2Im(y.View, w, new Destination(dx.View));
            backend.Col2Im(y.View, w, new Destination(sum.View, true));

            // Every position of every window holds its pixel; rolled back, a pixel comes out times the number of windows over it.
            int[] covers = new int[x.Floats.Length];
            foreach ((int output, int kernel, int pixel) in Positions(shape, w))
            {
                for (int c = 0; c < shape[3]; c++)
                {
                    float value = pixel < 0 ? 0 : x.Floats[(pixel * shape[3]) + c];
                    Assert.Equal(value, y.Floats[(output * columns) + (kernel * shape[3]) + c]);
                    if (pixel >= 0)
                        covers[(pixel * shape[3]) + c]++;
                }
            }

            for (int i = 0; i < covers.Length; i++)
            {
                // At most 25 equal terms: a rounding each.
                Assert.Equal(covers[i] * (double)x.Floats[i], dx.Floats[i], 3e-6);
                Assert.Equal(2 + (covers[i] * (double)x.Floats[i]), sum.Floats[i], 1e-5);
            }
        }
    }

    [Theory, MemberData(nameof(Pools))]
    public void Pooling_and_its_gradient_agree_with_the_definition(Width width, PoolOp op)
    {
        using Backend backend = Widths.Create(width, 2);
        foreach ((int[] shape, Window w) in Geometries)
        {
            Shape pooled = [shape[0], w.OutputHeight, w.OutputWidth, shape[3]];
            using GuardedMemory x = Random(new Shape(shape), 2), y = new(pooled), dy = Random(pooled, 3);
            using GuardedMemory dx = new(new Shape(shape)), sum = new(new Shape(shape));
            sum.Floats.Fill(2);
            backend.Pool(op, x.View, w, y.View);
            backend.PoolBackward(op, x.View, dy.View, w, new Destination(dx.View));
            backend.PoolBackward(op, x.View, dy.View, w, new Destination(sum.View, true));

            (double[] expected, double[] gradient) = Pool(op, x.Floats, dy.Floats, shape, w);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], y.Floats[i], 1e-6);
            // Up to 25 windows over a pixel.
            for (int i = 0; i < gradient.Length; i++)
            {
                Assert.Equal(gradient[i], dx.Floats[i], 3e-6);
                Assert.Equal(2 + gradient[i], sum.Floats[i], 1e-5);
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void The_largest_of_a_window_is_NaN_if_any_is_and_the_first_wins_a_tie(Width width)
    {
        using Backend backend = Widths.Create(width);
        using GuardedMemory x = new([1, 2, 2, 3], [1, 5, -1, 1, float.NaN, -2, 1, 7, -1, 1, 9, -3]), y = new([1, 1, 1, 3]);
        using GuardedMemory dy = new([1, 1, 1, 3], [1, 2, 3]), dx = new([1, 2, 2, 3]);
        Window window = new(2, 2, 2, 2, 0, 0, 1, 1, 1, 1);
        backend.Pool(PoolOp.Max, x.View, window, y.View);
        backend.PoolBackward(PoolOp.Max, x.View, dy.View, window, new Destination(dx.View));
        Assert.Equal([1, float.NaN, -1], y.Floats.ToArray());
        Assert.Equal([1, 0, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0], dx.Floats.ToArray());
    }

    private static (int[] Shape, Window Window) Case(int[] shape, int kernel, int stride, int pad, int dilation)
    {
        int Length(int n) => ((n + (2 * pad) - (dilation * (kernel - 1)) - 1) / stride) + 1;
        return (shape, new Window(kernel, kernel, stride, stride, pad, pad, dilation, dilation, Length(shape[1]), Length(shape[2])));
    }

    private static GuardedMemory Random(Shape shape, int seed)
    {
        GuardedMemory memory = new(shape);
        Random random = new(seed);
        for (int i = 0; i < memory.Floats.Length; i++)
            memory.Floats[i] = random.Next(-6, 7) / 4f;
        return memory;
    }

    /// <summary>Output pixel, position in the kernel and picture pixel (-1 outside), in the order of the definition.</summary>
    private static IEnumerable<(int Output, int Kernel, int Pixel)> Positions(int[] shape, Window w)
    {
        for (int output = 0; output < shape[0] * w.OutputHeight * w.OutputWidth; output++)
        {
            int sample = output / (w.OutputHeight * w.OutputWidth), outputY = output / w.OutputWidth % w.OutputHeight, outputX = output % w.OutputWidth;
            for (int kernel = 0; kernel < w.KernelHeight * w.KernelWidth; kernel++)
            {
                int y = (outputY * w.StrideY) - w.PadTop + (kernel / w.KernelWidth * w.DilationY);
                int x = (outputX * w.StrideX) - w.PadLeft + (kernel % w.KernelWidth * w.DilationX);
                bool inside = y >= 0 && y < shape[1] && x >= 0 && x < shape[2];
                yield return (output, kernel, inside ? (((sample * shape[1]) + y) * shape[2]) + x : -1);
            }
        }
    }

    private static (double[] Result, double[] Gradient) Pool(PoolOp op, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int[] shape, Window w)
    {
        int channels = shape[3];
        double[] result = new double[dy.Length], gradient = new double[x.Length];
        foreach (IGrouping<int, (int Output, int Kernel, int Pixel)> window in Positions(shape, w).GroupBy(p => p.Output))
        {
            int[] pixels = [.. window.Where(p => p.Pixel >= 0).Select(p => p.Pixel)];
            int divisor = op == PoolOp.Average ? pixels.Length : w.KernelHeight * w.KernelWidth;
            for (int c = 0; c < channels; c++)
            {
                int target = (window.Key * channels) + c, winner = -1;
                foreach (int pixel in pixels)
                {
                    int source = (pixel * channels) + c;
                    if (op != PoolOp.Max)
                    {
                        result[target] += (double)x[source] / divisor;
                        gradient[source] += (double)dy[target] / divisor;
                    }
                    else if (winner < 0 || x[source] > x[winner])
                    {
                        winner = source;
                    }
                }

                if (op == PoolOp.Max)
                {
                    result[target] = x[winner];
                    gradient[winner] += dy[target];
                }
            }
        }

        return (result, gradient);
    }
}
