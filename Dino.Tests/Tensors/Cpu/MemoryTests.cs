using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Fills, copies, conversions and random numbers.</summary>
public sealed class MemoryTests
{
    private static readonly DType[] Types = Enum.GetValues<DType>();

    [Fact]
    public void Fill_and_Copy_reach_every_length_of_every_type()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        foreach (DType type in Types)
        {
            foreach (int n in (int[])[0, 1, 2, 3, 15, 16, 17, 31, 255, 257, 16385, 100_003])
            {
                using GuardedMemory x = new([n], type), y = new([n], type);
                backend.Fill(x.View, 3);
                backend.Copy(x.View, y.View);
                for (int i = 0; i < n; i += 1 + (n / 300))
                    Assert.Equal(3, Read(y, i));
                if (n > 0)
                    Assert.Equal(3, Read(y, n - 1));
            }
        }
    }

    [Fact]
    public void Fill_keeps_the_sign_of_zero()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        using GuardedMemory x = new([20]);
        backend.Fill(x.View, -0f);
        Assert.All(x.Floats.ToArray(), value => Assert.True(float.IsNegative(value)));
    }

    [Fact]
    public void Casts_of_every_pair_and_length_agree_with_the_scalar_conversion()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        foreach (DType source in Types)
        {
            foreach (DType target in Types)
            {
                foreach (int n in (int[])[0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 257, 1023, 1025, 40_001])
                {
                    using GuardedMemory x = new([n], source), y = new([n], target);
                    Random random = new(n);
                    for (int i = 0; i < n; i++)
                        Write(x, i, random.Next(5) == 0 ? random.Next(-70_000, 70_000) : 600 * (random.NextSingle() - 0.3f));
                    backend.Cast(x.View, y.View);
                    for (int i = 0; i < n; i++)
                        Assert.Equal(Convert(Read(x, i), target), Read(y, i));
                }
            }
        }
    }

    [Fact]
    public void Rounding_to_BFloat16_and_Half_is_to_nearest_even()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        // bf16 has 8 significant bits: 1 + 2^-8 is a tie with the even neighbour 1, 1 + 3·2^-8 one with 1 + 2^-6.
        float[] values = [1 + (1f / 256), 1 + (3f / 256), 1 + (1f / 256) + 1e-6f, 3.4e38f, float.NaN, float.PositiveInfinity, -0f];
        float[] expected = [1, 1 + (1f / 64), 1 + (1f / 128), float.PositiveInfinity, float.NaN, float.PositiveInfinity, -0f];
        foreach (int repeat in (int[])[1, 5])
        {
            using GuardedMemory x = new([7 * repeat]), y = new([7 * repeat], DType.BF16), z = new([7 * repeat]);
            for (int i = 0; i < x.Floats.Length; i++)
                x.Floats[i] = values[i % 7];
            backend.Cast(x.View, y.View);
            backend.Cast(y.View, z.View);
            for (int i = 0; i < x.Floats.Length; i++)
                Assert.Equal(expected[i % 7], z.Floats[i]);
        }

        using GuardedMemory f = new([4], [65519, 65520, 1 + (1f / 2048), 1 + (3f / 2048)]), h = new([4], DType.F16);
        backend.Cast(f.View, h.View);
        Assert.Equal([(Half)65504, Half.PositiveInfinity, (Half)1, (Half)(1 + (1f / 512))], h.Of<Half>().ToArray());
    }

    [Fact]
    public void Floats_to_integers_truncate_and_saturate()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        float[] values = [1.9f, -1.9f, 255.9f, 256, 1e20f, -1e20f, float.NaN, 0];
        int[] integers = [1, -1, 255, 256, int.MaxValue, int.MinValue, 0, 0];
        byte[] bytes = [1, 0, 255, 255, 255, 0, 0, 0];
        foreach (int n in (int[])[8, 24])
        {
            using GuardedMemory x = new([n]), i32 = new([n], DType.I32), u8 = new([n], DType.U8);
            for (int i = 0; i < n; i++)
                x.Floats[i] = values[i % 8];
            backend.Cast(x.View, i32.View);
            backend.Cast(x.View, u8.View);
            for (int i = 0; i < n; i++)
            {
                Assert.Equal(integers[i % 8], i32.Ints[i]);
                Assert.Equal(bytes[i % 8], u8.Of<byte>()[i]);
            }
        }
    }

    [Fact]
    public void Uniform_numbers_are_the_words_of_the_stream()
    {
        RandomKey key = new(42, 1, 2, 3);
        foreach (Width width in Enum.GetValues<Width>())
        {
            using Backend backend = Widths.Create(width, 2);
            foreach (int n in (int[])[0, 1, 2, 3, 4, 5, 7, 257, 100_001])
            {
                using GuardedMemory y = new([n]);
                backend.RandomUniform(y.View, key, -2, 3);
                CounterRandom stream = new(key);
                for (int i = 0; i < n; i++)
                    Assert.Equal(-2f + (5f * stream.NextSingle()), y.Floats[i]);
            }
        }
    }

    [Fact]
    public void Uniform_numbers_stay_below_the_upper_end()
    {
        using Backend backend = Widths.Create(Width.Vec512);
        using GuardedMemory y = new([100_000]);
        // Two neighbouring floats: rounding alone would give the upper one to half of the numbers.
        backend.RandomUniform(y.View, new RandomKey(1), 1f, MathF.BitIncrement(1f));
        Assert.True(y.Floats.IndexOfAnyExcept(1f) < 0);
    }

    [Fact]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution_on_every_width()
    {
        const int N = 400_000;
        using GuardedMemory first = new([N]), other = new([N]);
        foreach (Width width in Enum.GetValues<Width>())
        {
            using Backend backend = Widths.Create(width, 2);
            backend.RandomNormal(width == Width.Vec512 ? first.View : other.View, new RandomKey(7), 1, 2);
            if (width != Width.Vec512)
                Assert.True(first.Floats.SequenceEqual(other.Floats));
        }

        double mean = 0, square = 0, fourth = 0, product = 0;
        for (int i = 0; i < N; i++)
        {
            double z = (first.Floats[i] - 1) / 2;
            mean += z / N;
            square += z * z / N;
            fourth += z * z * z * z / N;
            product += i > 0 ? z * (first.Floats[i - 1] - 1) / 2 / N : 0;
        }

        // Five standard errors: 1/√N, √2/√N, √96/√N, and 1/√N for neighbours (the cosine and sine of one pair among them).
        double error = 5 / Math.Sqrt(N);
        Assert.Equal(0, mean, error);
        Assert.Equal(1, square, 1.42 * error);
        Assert.Equal(3, fourth, 9.8 * error);
        Assert.Equal(0, product, error);
    }

    private static double Read(GuardedMemory memory, int i) => memory.View.DType switch
    {
        DType.F32 => memory.Floats[i],
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)memory.Of<ushort>()[i] << 16),
        DType.F16 => (double)memory.Of<Half>()[i],
        DType.I32 => memory.Ints[i],
        _ => memory.Of<byte>()[i],
    };

    private static void Write(GuardedMemory memory, int i, float value)
    {
        switch (memory.View.DType)
        {
            case DType.F32: memory.Floats[i] = value; break;
            case DType.BF16: memory.Of<ushort>()[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16); break;
            case DType.F16: memory.Of<Half>()[i] = (Half)value; break;
            case DType.I32: memory.Ints[i] = (int)value; break;
            default: memory.Of<byte>()[i] = (byte)Math.Clamp(value, 0, 255); break;
        }
    }

    /// <summary>All values here are exact in F32, so one rounding is all there is.</summary>
    private static double Convert(double value, DType target) => target switch
    {
        DType.BF16 => NearestBFloat16(value),
        DType.F16 => (double)(Half)value,
        DType.I32 => Math.Clamp(Math.Truncate(value), int.MinValue, int.MaxValue),
        DType.U8 => Math.Clamp(Math.Truncate(value), 0, 255),
        _ => value,
    };

    private static double NearestBFloat16(double value)
    {
        if (value == 0 || double.IsInfinity(value))
            return value;
        double unit = Math.ScaleB(1, Math.ILogB(value) - 7);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }
}
