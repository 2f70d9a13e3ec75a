using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Strided copies against an element-by-element walk.</summary>
public sealed class StridedCopyTests
{
    private static readonly int[][] Shapes =
    [
        [], [1], [5], [1, 1], [3, 4], [16, 16], [17, 33], [64, 48], [2, 3, 4], [5, 1, 7], [3, 16, 32], [2, 3, 4, 5], [2, 17, 3, 19],
        [2, 2, 3, 2, 5], [2, 3, 2, 3, 2, 3], [0, 4], [40, 50, 30], [100_000], [3, 70_001], [70_001, 3],
    ];

    [Fact]
    public void Every_permutation_agrees_with_the_naive_walk()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        foreach (int[] lengths in Shapes)
        {
            foreach (int[] order in StridedLayouts.Permutations(lengths.Length))
            {
                foreach (DType type in lengths.Length > 4 ? (DType[])[DType.F32] : [DType.F32, DType.BF16, DType.U8])
                    AssertPermutes(backend, lengths, order, type, false);
                AssertPermutes(backend, lengths, order, DType.F32, true);
            }
        }
    }

    [Fact]
    public void Random_strides_agree_with_the_naive_walk()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        Random random = new(5);
        for (int trial = 0; trial < 600; trial++)
        {
            int rank = random.Next(1, 5);
            int[] lengths = new int[rank];
            for (int i = 0; i < rank; i++)
                lengths[i] = random.Next(1, trial % 10 == 0 ? 40 : 9);
            // x: repeats, reversals and steps; y: the same without repeats, in a random order of axes.
            long[] strideX = new long[rank], strideY = new long[rank];
            (long firstX, long sizeX) = StridedLayouts.Draw(random, lengths, strideX, true);
            (long firstY, long sizeY) = StridedLayouts.Draw(random, lengths, strideY, false);
            AssertWalks(backend, lengths, strideX, firstX, sizeX, strideY, firstY, sizeY, trial % 2 == 0);
        }
    }

    [Fact]
    public void Repeated_destinations_collect_sums_in_the_given_order()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        // The gradient of a broadcast [400, 300] from [300], and of overlapping windows of 4 by steps of 2.
        AssertWalks(backend, [400, 300], [300, 1], 0, 120_000, [0, 1], 0, 300, true);
        AssertWalks(backend, [400, 300], [300, 1], 0, 120_000, [1, 0], 0, 400, true);
        AssertWalks(backend, [20_000, 4], [4, 1], 0, 80_000, [2, 1], 0, 40_002, true);
    }

    [Fact]
    public void Accumulation_is_refused_in_other_types()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        using GuardedMemory x = new([4], DType.BF16), y = new([4], DType.BF16);
        Assert.Throws<ArgumentException>(() => backend.CopyStrided(new StridedView(x.View), new StridedView(y.View), true));
    }

    private static void AssertPermutes(Backend backend, int[] lengths, int[] order, DType type, bool accumulate)
    {
        int rank = lengths.Length;
        long[] source = new long[rank], strides = new long[rank];
        new Shape(lengths).Strides(source);
        int[] permuted = new int[rank];
        for (int i = 0; i < rank; i++)
            (permuted[i], strides[i]) = (lengths[order[i]], source[order[i]]);
        using GuardedMemory x = new(new Shape(lengths), type), y = new(new Shape(permuted), type);
        Span<byte> bytes = new byte[x.View.Bytes];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((i * 7) + (i >> 8));
        if (accumulate)
        {
            for (int i = 0; i < x.Floats.Length; i++)
                (x.Floats[i], y.Floats[i]) = (i, 1);
        }
        else
        {
            backend.Upload(bytes, x.View);
        }

        backend.CopyStrided(new StridedView(x.View.Address, type, new Shape(permuted), strides), new StridedView(y.View), accumulate);
        int[] index = new int[rank];
        for (int i = 0; i < y.View.Count; i++)
        {
            int from = (int)Offset(index, strides);
            bool same = type.Size() switch
            {
                4 when accumulate => y.Floats[i] == x.Floats[from] + 1,
                4 => y.Ints[i] == x.Ints[from],
                2 => y.Of<short>()[i] == x.Of<short>()[from],
                _ => y.Of<byte>()[i] == x.Of<byte>()[from],
            };
            if (!same)
                Assert.Fail($"{new Shape(lengths)} by [{string.Join(", ", order)}] in {type}: element {i}.");
            Advance(index, permuted);
        }
    }

    private static void AssertWalks(
        Backend backend, int[] lengths, long[] strideX, long firstX, long sizeX, long[] strideY, long firstY, long sizeY, bool accumulate)
    {
        using GuardedMemory x = new([(int)sizeX]), y = new([(int)sizeY]);
        float[] expected = new float[sizeY];
        for (int i = 0; i < sizeX; i++)
            x.Floats[i] = (i % 1000) + 0.1f;
        for (int i = 0; i < sizeY; i++)
            y.Floats[i] = expected[i] = i % 10;
        int[] index = new int[lengths.Length];
        for (long i = 0; i < new Shape(lengths).Count; i++)
        {
            float value = x.Floats[(int)(firstX + Offset(index, strideX))];
            ref float target = ref expected[firstY + Offset(index, strideY)];
            target = accumulate ? target + value : value;
            Advance(index, lengths);
        }

        Shape shape = new(lengths);
        StridedView from = new(x.View.Address + (nint)(firstX * 4), DType.F32, shape, strideX);
        backend.CopyStrided(from, new StridedView(y.View.Address + (nint)(firstY * 4), DType.F32, shape, strideY), accumulate);
        Assert.True(y.Floats.SequenceEqual(expected), $"{shape} from [{string.Join(", ", strideX)}] to [{string.Join(", ", strideY)}].");
    }

    private static long Offset(int[] index, long[] strides)
    {
        long offset = 0;
        for (int i = 0; i < index.Length; i++)
            offset += index[i] * strides[i];
        return offset;
    }

    private static void Advance(int[] index, int[] lengths)
    {
        for (int i = lengths.Length - 1; i >= 0 && ++index[i] == lengths[i]; i--)
            index[i] = 0;
    }
}
