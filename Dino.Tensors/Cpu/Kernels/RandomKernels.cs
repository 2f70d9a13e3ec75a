using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Random numbers by blocks of four. Scalar on purpose: the numbers are part of a run's identity, so they must be the same on every
/// vector width, and initialising a network once is no hot path.
/// </summary>
internal static unsafe class RandomKernels
{
    /// <summary>Cost of a block in elements of plain elementwise work: ten rounds of Philox.</summary>
    public const long UniformWeight = 32;

    /// <summary>Philox plus two logarithms and two sine-cosine pairs.</summary>
    public const long NormalWeight = 256;

    private const int Words = 4;

    /// <summary>Number of blocks that cover <paramref name="count"/> elements.</summary>
    public static long Blocks(long count) => (count + Words - 1) / Words;

    /// <summary>Blocks [start, end) of y: low + (high - low) u, kept below high where rounding would reach it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Uniform(float* y, long count, long start, long end, RandomKey key, float low, float high)
    {
        float largest = high > low ? MathF.BitDecrement(high) : low;
        float width = high - low;
        float* numbers = stackalloc float[Words];
        for (long block = start; block < end; block++)
        {
            (uint a, uint b, uint c, uint d) = key.Block((uint)block);
            numbers[0] = MathF.Min(low + (width * RandomKey.ToUniform(a)), largest);
            numbers[1] = MathF.Min(low + (width * RandomKey.ToUniform(b)), largest);
            numbers[2] = MathF.Min(low + (width * RandomKey.ToUniform(c)), largest);
            numbers[3] = MathF.Min(low + (width * RandomKey.ToUniform(d)), largest);
            Store(numbers, y, count, block);
        }
    }

    /// <summary>Blocks [start, end) of y: mean + deviation z, each pair of words giving a cosine and a sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normal(float* y, long count, long start, long end, RandomKey key, float mean, float deviation)
    {
        float* numbers = stackalloc float[Words];
        for (long block = start; block < end; block++)
        {
            (uint a, uint b, uint c, uint d) = key.Block((uint)block);
            Pair(a, b, mean, deviation, numbers);
            Pair(c, d, mean, deviation, numbers + 2);
            Store(numbers, y, count, block);
        }
    }

    /// <summary>Box and Muller 1958, in double so that the result does not hang on the last bit of a platform's logarithm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(uint first, uint second, float mean, float deviation, float* numbers)
    {
        // 1 - u lies in (0, 1]: its logarithm is finite.
        double radius = Math.Sqrt(-2 * Math.Log(1 - (double)RandomKey.ToUniform(first)));
        (double sine, double cosine) = Math.SinCos(2 * Math.PI * RandomKey.ToUniform(second));
        numbers[0] = (float)(mean + (deviation * radius * cosine));
        numbers[1] = (float)(mean + (deviation * radius * sine));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* numbers, float* y, long count, long block)
    {
        long first = block * Words;
        int length = (int)Math.Min(Words, count - first);
        for (int i = 0; i < length; i++)
            y[first + i] = numbers[i];
    }
}
