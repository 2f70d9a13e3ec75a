using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Functions of two operands with every kind of broadcast.</summary>
public sealed class BinaryTests
{
    public static TheoryData<Width, BinaryOp> Cases => Widths.With<BinaryOp>();

    public static TheoryData<Width> All => Widths.All;

    [Theory, MemberData(nameof(Cases))]
    public void Every_length_agrees_with_the_definition(Width width, BinaryOp op)
    {
        using Backend backend = Widths.Create(width);
        for (int n = 0; n <= 257; n++)
        {
            AssertAgrees(backend, op, 1, n, Broadcast.None);
            if (n > 0)
                AssertAgrees(backend, op, 1, n, Broadcast.Scalar);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Every_broadcast_agrees_with_the_definition(Width width, BinaryOp op)
    {
        using Backend backend = Widths.Create(width);
        foreach (int columns in (int[])[1, 2, 3, 7, 15, 16, 17, 33, 64, 100])
        {
            foreach (int rows in (int[])[1, 2, 5, 31])
            {
                AssertAgrees(backend, op, rows, columns, Broadcast.Row);
                AssertAgrees(backend, op, rows, columns, Broadcast.Column);
                AssertAgrees(backend, op, rows, columns, Broadcast.Scalar);
            }
        }

        // Long enough to be cut into tasks, at places that are not the ends of rows.
        AssertAgrees(backend, op, 50, 1001, Broadcast.Row);
        AssertAgrees(backend, op, 50, 1001, Broadcast.Column);
    }

    [Theory, MemberData(nameof(All))]
    public void Maximum_and_minimum_keep_NaN_of_either_side(Width width)
    {
        using Backend backend = Widths.Create(width);
        using GuardedMemory a = new([4], [float.NaN, 1, float.NaN, 3]), b = new([4], [0, float.NaN, float.NaN, 2]), y = new([4]);
        backend.Binary(BinaryOp.Maximum, a.View, b.View, y.View, Broadcast.None);
        Assert.Equal([float.NaN, float.NaN, float.NaN, 3], y.Floats.ToArray());
        backend.Binary(BinaryOp.Minimum, a.View, b.View, y.View, Broadcast.None);
        Assert.Equal([float.NaN, float.NaN, float.NaN, 2], y.Floats.ToArray());
        backend.Binary(BinaryOp.Equal, a.View, b.View, y.View, Broadcast.None);
        Assert.Equal([0, 0, 0, 0], y.Floats.ToArray());
    }

    [Theory, MemberData(nameof(All))]
    public void Mask_leaves_nothing_of_what_it_hides(Width width)
    {
        using Backend backend = Widths.Create(width);
        using GuardedMemory a = new([5], [float.NaN, float.PositiveInfinity, 2, float.NaN, 3]), b = new([5], [0, -0f, 0, 1, float.NaN]), y = new([5]);
        backend.Binary(BinaryOp.Mask, a.View, b.View, y.View, Broadcast.None);
        Assert.Equal([0, 0, 0, float.NaN, 3], y.Floats.ToArray());
    }

    [Theory, MemberData(nameof(All))]
    public void Axpby_scales_and_adds(Width width)
    {
        using Backend backend = Widths.Create(width);
        for (int n = 0; n <= 257; n++)
        {
            float[] values = Values(n, 3), old = Values(n, 4);
            using GuardedMemory x = new([n], values), y = new([n], old), unread = new([n]);
            backend.Axpby(0.5f, x.View, -2, y.View);
            // Beta 0 must not read: the memory holds NaN.
            backend.Axpby(0.5f, x.View, 0, unread.View);
            for (int i = 0; i < n; i++)
            {
                // Two roundings where the multiply-add is fused, three where not.
                Assert.Equal((0.5 * values[i]) - (2.0 * old[i]), y.Floats[i], 1e-6);
                Assert.Equal(0.5f * values[i], unread.Floats[i]);
            }
        }
    }

    private static void AssertAgrees(Backend backend, BinaryOp op, int rows, int columns, Broadcast broadcast)
    {
        Shape shape = broadcast switch { Broadcast.None => [rows, columns], Broadcast.Row => [columns], Broadcast.Column => [rows], _ => [1] };
        float[] left = Values(rows * columns, 1), right = Values((int)shape.Count, 2);
        using GuardedMemory a = new([rows, columns], left), b = new(shape, right), y = new([rows, columns]);
        backend.Binary(op, a.View, b.View, y.View, broadcast);
        ReadOnlySpan<float> results = y.Floats;
        for (int i = 0; i < results.Length; i++)
        {
            float second = right[broadcast switch { Broadcast.None => i, Broadcast.Row => i % columns, Broadcast.Column => i / columns, _ => 0 }];
            // One operation, rounded once: the same as the double result rounded to F32.
            if (results[i] != (float)ScalarReference.Binary(op, left[i], second))
                Assert.Fail($"{op} {broadcast} [{rows}, {columns}] at {i}: {left[i]} and {second} gave {results[i]}.");
        }

        backend.Binary(op, a.View, b.View, a.View, broadcast);
        Assert.True(a.Floats.SequenceEqual(y.Floats), $"{op} {broadcast} in place differs at [{rows}, {columns}].");
    }

    /// <summary>Multiples of 1/4, so that equal pairs happen and none is zero.</summary>
    private static float[] Values(int n, int seed)
    {
        Random random = new(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++)
            values[i] = (random.Next(-20, 20) + 0.5f) / 4;
        return values;
    }
}
