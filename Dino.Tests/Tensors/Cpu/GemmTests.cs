using System.Runtime.InteropServices;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Matrix products of every vector width against sums in double precision. Widths that the machine lacks run in software.</summary>
public sealed class GemmTests
{
    /// <summary>M, N, K: tile edges, panel edges, depth-block edges, vectors and matrices of one element, few rows or columns.</summary>
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 1, 1 }, { 1, 1, 0 }, { 3, 5, 0 }, { 1, 1, 100 }, { 2, 3, 4 }, { 5, 7, 3 }, { 1, 17, 33 }, { 17, 1, 33 }, { 1, 300, 40 },
        { 300, 1, 40 }, { 4, 130, 200 }, { 130, 4, 200 }, { 3, 64, 31 }, { 7, 47, 19 }, { 8, 48, 16 }, { 9, 49, 17 }, { 6, 64, 64 },
        { 13, 65, 65 }, { 16, 16, 16 }, { 17, 15, 385 }, { 31, 100, 384 }, { 33, 197, 64 }, { 40, 31, 769 }, { 64, 192, 50 },
        { 100, 256, 37 }, { 12, 513, 70 }, { 197, 64, 197 }, { 520, 20, 30 }, { 20, 24, 3100 },
        { 2, 37, 257 }, { 3, 50, 130 }, { 5, 33, 300 }, { 7, 21, 259 }, { 8, 40, 256 }, { 38, 6, 300 },
        { 64, 33, 385 }, { 65, 130, 769 }, { 197, 17, 400 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Every_form_agrees_with_double_precision_512(int m, int n, int k) => AssertForms<Vec512>(m, n, k);

    [Theory, MemberData(nameof(Shapes))]
    public void Every_form_agrees_with_double_precision_256(int m, int n, int k) => AssertForms<Vec256>(m, n, k);

    [Theory, MemberData(nameof(Shapes))]
    public void Every_form_agrees_with_double_precision_128(int m, int n, int k) => AssertForms<Vec128>(m, n, k);

    [Theory, InlineData(3), InlineData(20)]
    public void A_weight_larger_than_the_caches_agrees_with_double_precision(int m)
    {
        GemmCase x = new(m, 8195, 257) { TransposeB = true };
        using GemmBed<Vec512> wide = new(2);
        using GemmBed<Vec256> middle = new(2);
        using GemmBed<Vec128> narrow = new(2);
        wide.AssertAgrees(x);
        middle.AssertAgrees(x);
        narrow.AssertAgrees(x);
    }

    [Fact]
    public void Every_small_size_agrees_with_double_precision()
    {
        using GemmBed<Vec512> bed = new(2);
        for (int m = 1; m <= 20; m++)
        {
            for (int n = 1; n <= 70; n += 1 + n / 20)
                bed.AssertAgrees(new GemmCase(m, n, 1 + (m * 7 + n) % 40) { TransposeA = (m & 1) != 0, TransposeB = (n & 1) != 0 });
        }
    }

    [Fact]
    public void Batches_agree_with_double_precision()
    {
        AssertBatches<Vec512>();
        AssertBatches<Vec256>();
        AssertBatches<Vec128>();
    }

    [Fact]
    public void Batches_that_land_on_one_result_add_up()
    {
        using GemmBed<Vec512> bed = new(2);
        bed.AssertAgrees(new GemmCase(20, 30, 10) { TransposeA = true, Outer = 3, Inner = 2, Beta = 1, SharedY = true });
    }

    [Theory]
    [InlineData(197, 384, 384, false, true, 0.5f)]
    [InlineData(197, 384, 768, false, true, 0)]
    [InlineData(197, 200, 768, false, false, 0.5f)]
    [InlineData(128, 130, 3000, true, false, 0.5f)]
    [InlineData(1, 3000, 800, false, true, 0.5f)]
    [InlineData(700, 1, 900, true, false, 0.5f)]
    public void Results_do_not_depend_on_the_number_of_threads(int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        GemmCase x = new(m, n, k) { TransposeA = transposeA, TransposeB = transposeB, Beta = beta };
        AssertSameBits<Vec512>(x);
        AssertSameBits<Vec256>(x);
        AssertSameBits<Vec128>(x);
        AssertSameBits<Vec512>(x with { M = Math.Min(m, 50), N = Math.Min(n, 70), K = Math.Min(k, 64), Outer = 4, Inner = 6 });
    }

    [Theory, InlineData(false), InlineData(true)]
    public unsafe void A_row_has_the_same_bits_in_a_product_that_packs_b_first_and_in_one_that_does_not(bool transposeB)
    {
        const int Rows = 1100, Columns = 520, Few = 20;
        using GemmBed<Vec512> bed = new(2);
        using GemmData data = new(new GemmCase(Rows, Columns, 513) { TransposeB = transposeB, PadY = 3 });
        MatMulArguments all = data.Arguments;
        bed.Backend.MatMul(all);
        float[] whole = data.ReadY();
        for (int row = 0; row < Rows; row += Few)
            bed.Backend.MatMul(all with { M = Few, A = all.A + (nint)(row * all.StrideA * sizeof(float)), Y = all.Y + (nint)(row * all.StrideY * sizeof(float)) });
        Assert.Equal(MemoryMarshal.AsBytes(whole.AsSpan()), MemoryMarshal.AsBytes(data.ReadY().AsSpan()));
    }

    [Fact]
    public void A_warm_product_allocates_nothing()
    {
        using GemmBed<Vec512> bed = new(2);
        foreach (GemmCase x in new[] { new GemmCase(100, 200, 400) { TransposeB = true }, new GemmCase(1, 500, 500) { TransposeB = true }, new GemmCase(16, 16, 16) { Outer = 50 } })
        {
            using GemmData data = new(x);
            for (int i = 0; i < 50; i++)
                bed.Backend.MatMul(data.Arguments);
            long before = GC.GetAllocatedBytesForCurrentThread();
            bed.Backend.MatMul(data.Arguments);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    private static void AssertForms<V>(int m, int n, int k)
        where V : struct, IVec<V>
    {
        using GemmBed<V> bed = new(2);
        for (int form = 0; form < 4; form++)
        {
            GemmCase x = new(m, n, k) { TransposeA = (form & 1) != 0, TransposeB = (form & 2) != 0 };
            bed.AssertAgrees(x);
            bed.AssertAgrees(x with { PadA = 3, PadB = 5, PadY = 7 });
            bed.AssertAgrees(x with { Alpha = 0.37f, Beta = 1, PadA = 3, PadB = 5, PadY = 7 });
            bed.AssertAgrees(x with { Alpha = -2, Beta = 0.25f, PadY = 1 });
            bed.AssertAgrees(x with { Beta = 1 });
        }
    }

    private static void AssertBatches<V>()
        where V : struct, IVec<V>
    {
        using GemmBed<V> bed = new(3);
        for (int form = 0; form < 4; form++)
        {
            GemmCase x = new(17, 33, 20) { TransposeA = (form & 1) != 0, TransposeB = (form & 2) != 0, Outer = 5, Inner = 3 };
            bed.AssertAgrees(x);
            bed.AssertAgrees(x with { Beta = 1, PadA = 2, PadB = 3, PadY = 4 });
            bed.AssertAgrees(x with { SharedB = true });
            bed.AssertAgrees(x with { SharedA = true, Alpha = 3 });
            bed.AssertAgrees(x with { M = 1, N = 5, K = 70, Outer = 40 });
            bed.AssertAgrees(x with { M = 4, N = 4, K = 4, Outer = 100 });
            bed.AssertAgrees(x with { M = 70, N = 200, K = 90, Outer = 2, Inner = 2 });
        }
    }

    private static void AssertSameBits<V>(GemmCase x)
        where V : struct, IVec<V>
    {
        float[]? expected = null;
        for (int threads = 1; threads <= 3; threads++)
        {
            using GemmBed<V> bed = new(threads);
            using GemmData data = new(x);
            bed.Backend.MatMul(data.Arguments);
            float[] actual = data.ReadY();
            expected ??= actual;
            Assert.True(MemoryMarshal.AsBytes<float>(expected).SequenceEqual(MemoryMarshal.AsBytes<float>(actual)), $"{x} differs on {threads} threads.");
        }
    }
}
