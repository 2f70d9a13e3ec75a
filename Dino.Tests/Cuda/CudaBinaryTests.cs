using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Functions of two operands on a CUDA device: one operation, rounded once, is the same to the bit.</summary>
public sealed class CudaBinaryTests
{
    public static TheoryData<BinaryOp> Operations => new(Enum.GetValues<BinaryOp>());

    [Theory, MemberData(nameof(Operations))]
    public void Every_length_and_alignment_agrees_with_the_CPU(BinaryOp op)
    {
        using ComparedBackends both = new();
        foreach (int n in (int[])[0, 1, 3, 4, 5, 31, 33, 255, 256, 257, 1030])
        {
            foreach ((int a, int b) in ((int, int)[])[(0, 0), (1, 1), (0, 3)])
            {
                AssertAgrees(both, op, 1, n, Broadcast.None, a, b);
                if (n > 0)
                    AssertAgrees(both, op, 1, n, Broadcast.Scalar, a, b);
            }
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Every_broadcast_agrees_with_the_CPU(BinaryOp op)
    {
        using ComparedBackends both = new();
        foreach (int columns in (int[])[1, 3, 4, 5, 16, 33, 64])
        {
            foreach (int rows in (int[])[1, 2, 31])
            {
                foreach (int offset in (int[])[0, 2])
                {
                    AssertAgrees(both, op, rows, columns, Broadcast.Row, 0, offset);
                    AssertAgrees(both, op, rows, columns, Broadcast.Column, offset, offset);
                }
            }
        }
    }

    [Fact]
    public void Threads_that_take_several_elements_stay_in_their_rows()
    {
        using ComparedBackends both = new();
        // More elements than a grid has threads, on rows that its step is no multiple of.
        foreach ((int rows, int columns) in ((int, int)[])[(700, 301), (170, 1204)])
        {
            AssertAgrees(both, BinaryOp.Add, rows, columns, Broadcast.Row, 0, 0);
            AssertAgrees(both, BinaryOp.Add, rows, columns, Broadcast.Column, 0, 0);
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Special_values_are_those_of_the_CPU(BinaryOp op)
    {
        using ComparedBackends both = new();
        float[] values = [0, -0f, 1, -1, 2, 1e38f, -1e38f, 1e-30f, float.PositiveInfinity, float.NegativeInfinity, float.NaN];
        Contents a = Contents.Of([values.Length, values.Length], [.. values.SelectMany(value => values.Select(_ => value))]);
        Contents b = Contents.Of([values.Length], values), y = Contents.Unwritten(a.Shape);
        both.AssertEqual($"{op}", [a, b, y], (backend, v) => backend.Binary(op, v[0], v[1], v[2], Broadcast.Row));
    }

    [Fact]
    public void Axpby_agrees_with_the_CPU()
    {
        using ComparedBackends both = new();
        foreach (int n in (int[])[0, 1, 4, 31, 257, 1030])
        {
            foreach (int offset in (int[])[0, 1])
            {
                Contents x = Contents.Uniform([n], 1, -2, 2, offset), y = Contents.Uniform([n], 2, -2, 2, offset);
                // Two roundings where the CPU fuses, three where not, of numbers below 6.
                both.AssertAgree($"axpby of {n}", [x, y], (backend, v) => backend.Axpby(0.7f, v[0], -2.3f, v[1]), (expected, actual) => Math.Abs(expected - actual) <= 1e-6);
                both.AssertEqual($"scaling of {n}", [x, Contents.Unwritten([n], offset)], (backend, v) => backend.Axpby(0.7f, v[0], 0, v[1]));
            }
        }
    }

    private static void AssertAgrees(ComparedBackends both, BinaryOp op, int rows, int columns, Broadcast broadcast, int offsetA, int offsetB)
    {
        Shape shape = broadcast switch { Broadcast.None => [rows, columns], Broadcast.Row => [columns], Broadcast.Column => [rows], _ => [1] };
        Contents a = Contents.Quarters([rows, columns], 1, offsetA), b = Contents.Quarters(shape, 2, offsetB), y = Contents.Unwritten([rows, columns], offsetA);
        string what = $"{op} {broadcast} [{rows}, {columns}]";
        both.AssertEqual(what, [a, b, y], (backend, v) => backend.Binary(op, v[0], v[1], v[2], broadcast));
        both.AssertEqual(what + " in place", [a, b], (backend, v) => backend.Binary(op, v[0], v[1], v[0], broadcast));
    }
}
