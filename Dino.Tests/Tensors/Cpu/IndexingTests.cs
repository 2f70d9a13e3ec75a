using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Rows gathered and scattered.</summary>
public sealed class IndexingTests
{
    public static TheoryData<Width> All => Widths.All;

    [Theory, MemberData(nameof(All))]
    public void Rows_are_gathered_and_their_gradients_scattered(Width width)
    {
        using Backend backend = Widths.Create(width, 2);
        foreach ((int table, int count, int columns) in ((int, int, int)[])[(1, 1, 1), (5, 9, 3), (7, 100, 16), (10, 33, 65), (100, 700, 200), (4, 0, 8)])
        {
            using GuardedMemory x = new([table, columns]), indices = new([count], DType.I32), y = new([count, columns]), sum = new([table, columns]);
            Random random = new(columns);
            for (int i = 0; i < x.Floats.Length; i++)
                (x.Floats[i], sum.Floats[i]) = (random.NextSingle(), 1);
            for (int i = 0; i < count; i++)
                indices.Ints[i] = random.Next(table);
            backend.GatherRows(x.View, indices.View, y.View);
            backend.ScatterAddRows(y.View, indices.View, sum.View);

            float[] expected = new float[table * columns];
            expected.AsSpan().Fill(1);
            for (int i = 0; i < count; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    Assert.Equal(x.Floats[(indices.Ints[i] * columns) + j], y.Floats[(i * columns) + j]);
                    expected[(indices.Ints[i] * columns) + j] += y.Floats[(i * columns) + j];
                }
            }

            // Rising order of i is part of the contract, so the sums are the same to the bit.
            Assert.Equal(expected, sum.Floats.ToArray());
        }
    }

    [Fact]
    public void Rows_of_other_types_are_gathered_as_bytes()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        using GuardedMemory x = new([3, 5], DType.U8), indices = new([2], DType.I32), y = new([2, 5], DType.U8);
        for (int i = 0; i < 15; i++)
            x.Of<byte>()[i] = (byte)i;
        (indices.Ints[0], indices.Ints[1]) = (2, 0);
        backend.GatherRows(x.View, indices.View, y.View);
        Assert.Equal([10, 11, 12, 13, 14, 0, 1, 2, 3, 4], y.Of<byte>().ToArray());
    }

    [Fact]
    public void An_index_outside_the_table_is_named()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        using GuardedMemory x = new([3, 5]), indices = new([2], DType.I32), y = new([2, 5]);
        (indices.Ints[0], indices.Ints[1]) = (0, 3);
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => backend.GatherRows(x.View, indices.View, y.View));
        Assert.Contains("Index 3 at position 1", error.Message, StringComparison.Ordinal);
    }
}
