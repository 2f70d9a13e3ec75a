using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Copies, strided walks and conversions on a CUDA device.</summary>
public sealed class CudaCopyTests
{
    private static readonly DType[] Types = Enum.GetValues<DType>();

    [Fact]
    public void Copies_and_fills_reach_every_length_of_every_type()
    {
        using ComparedBackends both = new();
        foreach (DType type in Types)
        {
            foreach (int n in (int[])[0, 1, 3, 15, 16, 17, 255, 257, 5003])
            {
                Contents x = Bytes(type, [n], n, 1), y = Contents.Unwritten([n], 3, type), z = Contents.Unwritten([n], 1, type);
                both.AssertEqual($"{n} of {type}", [x, y, z], (backend, v) =>
                {
                    backend.Copy(v[0], v[1]);
                    backend.Copy(v[1], v[1]);
                    backend.Fill(v[2], 3);
                });
            }
        }
    }

    [Fact]
    public void Casts_of_every_pair_agree_with_the_CPU()
    {
        using ComparedBackends both = new();
        foreach (DType source in Types)
        {
            foreach (DType target in Types)
            {
                foreach ((int n, int offsetX, int offsetY) in ((int, int, int)[])[(0, 0, 0), (1, 0, 0), (7, 0, 0), (32, 1, 0), (257, 0, 0), (258, 0, 3)])
                {
                    Contents wide = Contents.Uniform([n], n, -300, 70_000), x = Contents.Unwritten([n], offsetX, source), y = Contents.Unwritten([n], offsetY, target);
                    both.AssertEqual($"{n} of {source} to {target}", [wide, x, y], (backend, v) =>
                    {
                        backend.Cast(v[0], v[1]);
                        backend.Cast(v[1], v[2]);
                    });
                }
            }
        }
    }

    [Fact]
    public void Every_half_and_brain_float_converts_as_on_the_CPU()
    {
        using ComparedBackends both = new();
        byte[] patterns = [.. Enumerable.Range(0, 1 << 16).SelectMany(i => (byte[])[(byte)i, (byte)(i >> 8)])];
        foreach (DType type in (DType[])[DType.F16, DType.BF16])
        {
            Contents all = new(type, [1 << 16], patterns), single = Contents.Unwritten([1 << 16]), integer = Contents.Unwritten([1 << 16], 0, DType.I32);
            both.AssertEqual($"all {type}", [all, single, integer], (backend, v) =>
            {
                backend.Cast(v[0], v[1]);
                backend.Cast(v[0], v[2]);
            });
        }
    }

    [Fact]
    public void Floats_round_to_nearest_even_and_integers_saturate()
    {
        using ComparedBackends both = new();
        float[] values =
        [
            1 + (1f / 256), 1 + (3f / 256), 1 + (1f / 256) + 1e-6f, 3.4e38f, -3.4e38f, 65519, 65520, -65520, 1 + (1f / 2048), 1 + (3f / 2048), 6e-8f, 2e-8f, 3.1e-5f,
            1.9f, -1.9f, 255.9f, 256, 1e20f, -1e20f, 2147483520, -2147483648, 0, -0f, 0.5f, float.PositiveInfinity, float.NegativeInfinity,
        ];
        foreach (DType type in (DType[])[DType.BF16, DType.F16, DType.I32, DType.U8])
        {
            Contents x = Contents.Of([values.Length], values), y = Contents.Unwritten([values.Length], 0, type), z = Contents.Unwritten([values.Length]);
            both.AssertEqual($"{type}", [x, y, z], (backend, v) =>
            {
                backend.Cast(v[0], v[1]);
                backend.Cast(v[1], v[2]);
            });
        }

        Contents nan = Contents.Of([2], [float.NaN, -float.NaN]);
        both.AssertEqual("NaN", [nan, Contents.Unwritten([2], 0, DType.I32), Contents.Unwritten([2], 0, DType.U8), Contents.Unwritten([2], 0, DType.BF16), Contents.Unwritten([2])], (backend, v) =>
        {
            for (int i = 1; i < 4; i++)
                backend.Cast(v[0], v[i]);
            backend.Cast(v[3], v[4]);
        });
    }

    [Fact]
    public void Permutations_agree_with_the_CPU()
    {
        using ComparedBackends both = new();
        foreach (int[] lengths in (int[][])[[5], [3, 7], [40, 50], [2, 33, 70], [3, 16, 17], [2, 5, 3, 4, 8], [2, 9, 3, 2, 6], [2, 3, 2, 3, 2, 3]])
        {
            foreach (int[] order in StridedLayouts.Permutations(lengths.Length).Where((_, i) => i % (lengths.Length > 3 ? 7 : 1) == 0))
            {
                foreach (DType type in (DType[])[DType.F32, DType.BF16, DType.U8])
                    AssertPermutes(both, lengths, order, type, false, 0);
                AssertPermutes(both, lengths, order, DType.F32, true, 0);
                AssertPermutes(both, lengths, order, DType.F32, false, 1);
            }
        }
    }

    [Fact]
    public void Random_strides_agree_with_the_CPU()
    {
        using ComparedBackends both = new();
        Random random = new(5);
        for (int trial = 0; trial < 120; trial++)
        {
            int rank = random.Next(1, 5);
            int[] lengths = [.. Enumerable.Range(0, rank).Select(_ => random.Next(1, trial % 10 == 0 ? 24 : 9))];
            // x: repeats, reversals and steps; y: the same without repeats, in a random order of axes.
            long[] strideX = new long[rank], strideY = new long[rank];
            (long firstX, long sizeX) = StridedLayouts.Draw(random, lengths, strideX, true);
            (long firstY, long sizeY) = StridedLayouts.Draw(random, lengths, strideY, false);
            AssertWalks(both, lengths, strideX, firstX, sizeX, strideY, firstY, sizeY, trial % 2 == 0);
        }
    }

    [Fact]
    public void Repeated_destinations_collect_sums_in_the_given_order()
    {
        using ComparedBackends both = new();
        // The gradient of a broadcast [40, 300] from [300], of one along rows, of overlapping windows, and windows of windows.
        AssertWalks(both, [40, 300], [300, 1], 0, 12_000, [0, 1], 0, 300, true);
        AssertWalks(both, [40, 30], [30, 1], 0, 1200, [1, 0], 0, 40, true);
        AssertWalks(both, [200, 4], [4, 1], 0, 800, [2, 1], 0, 402, true);
        AssertWalks(both, [30, 250], [250, 1], 0, 7500, [40, 1], 0, 1410, true);
        AssertWalks(both, [9, 20, 3, 4], [240, 12, 4, 1], 0, 2160, [30, 2, 30, 1], 0, 700, true);
        AssertWalks(both, [7, 4], [4, 1], 0, 28, [0, 1], 0, 4, false);
    }

    [Fact]
    public void Walks_with_more_elements_than_a_kernel_counts_are_cut()
    {
        using ComparedBackends both = new();
        ((CudaBackend)both.Cuda).MostCounted = 50;
        foreach (int[] lengths in (int[][])[[700], [3, 70], [40, 7, 3], [12, 5, 16], [2, 3, 2, 3, 2, 3]])
        {
            foreach (int[] order in StridedLayouts.Permutations(lengths.Length).Take(30))
            {
                AssertPermutes(both, lengths, order, DType.F32, true, 1);
                AssertPermutes(both, lengths, order, DType.F32, false, 0);
            }
        }
    }

    [Fact]
    public void Accumulation_is_refused_in_other_types()
    {
        using ComparedBackends both = new();
        View x = new(64, DType.BF16, [4]);
        Assert.Throws<ArgumentException>(() => both.Cuda.CopyStrided(new StridedView(x), new StridedView(x), true));
    }

    private static Contents Bytes(DType type, Shape shape, int seed, int offset)
    {
        byte[] bytes = new byte[shape.Count * type.Size()];
        new Random(seed).NextBytes(bytes);
        return new Contents(type == DType.F32 ? DType.I32 : type, shape, bytes, offset);
    }

    private static void AssertPermutes(ComparedBackends both, int[] lengths, int[] order, DType type, bool accumulate, int offset)
    {
        int rank = lengths.Length;
        long[] source = new long[rank], strides = new long[rank];
        new Shape(lengths).Strides(source);
        int[] permuted = new int[rank];
        for (int i = 0; i < rank; i++)
            (permuted[i], strides[i]) = (lengths[order[i]], source[order[i]]);
        Contents x = accumulate ? Contents.Quarters(new Shape(lengths), 1, offset) : Bytes(type, new Shape(lengths), 1, offset);
        Contents y = accumulate ? Contents.Quarters(new Shape(permuted), 2) : Contents.Unwritten(new Shape(permuted), 0, x.Type);
        both.AssertEqual($"{new Shape(lengths)} by [{string.Join(", ", order)}] in {type}", [x, y], (backend, v) =>
            backend.CopyStrided(new StridedView(v[0].Address, v[0].DType, new Shape(permuted), strides), new StridedView(v[1]), accumulate));
    }

    private static void AssertWalks(
        ComparedBackends both, int[] lengths, long[] strideX, long firstX, long sizeX, long[] strideY, long firstY, long sizeY, bool accumulate)
    {
        Shape shape = new(lengths);
        Contents x = Contents.Uniform([(int)sizeX], 1, -1, 1), y = Contents.Uniform([(int)sizeY], 2, -1, 1);
        both.AssertEqual($"{shape} from [{string.Join(", ", strideX)}] to [{string.Join(", ", strideY)}]", [x, y], (backend, v) =>
        {
            StridedView from = new(v[0].Address + (nint)(firstX * 4), DType.F32, shape, strideX), to = new(v[1].Address + (nint)(firstY * 4), DType.F32, shape, strideY);
            backend.CopyStrided(from, to, accumulate);
        });
    }
}
