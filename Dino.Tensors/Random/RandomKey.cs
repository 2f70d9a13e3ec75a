using System.Runtime.CompilerServices;

namespace Dino.Tensors;

/// <summary>
/// Names one stream of counter-based random numbers (Philox 4x32-10). Number i of a stream is a pure function of the key and i:
/// nothing depends on who asked first, on threads or on the device, and a resumed run goes on bit for bit.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="A">First coordinate of the stream, by convention the epoch or step.</param>
/// <param name="B">Second coordinate, by convention the sample or parameter index.</param>
/// <param name="C">Third coordinate, by convention the view or the purpose.</param>
/// <remarks>Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".</remarks>
public readonly record struct RandomKey(ulong Seed, uint A = 0, uint B = 0, uint C = 0)
{
    /// <summary>The four 32-bit words of block <paramref name="block"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (uint X, uint Y, uint Z, uint W) Block(uint block)
    {
        (uint x, uint y, uint z, uint w) = (block, A, B, C);
        uint k0 = (uint)Seed, k1 = (uint)(Seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53UL * x, p1 = 0xCD9E8D57UL * z;
            (x, y, z, w) = ((uint)(p1 >> 32) ^ y ^ k0, (uint)p1, (uint)(p0 >> 32) ^ w ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }

        return (x, y, z, w);
    }

    /// <summary>A 32-bit word as a float in [0, 1), on the grid of 2^-24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUniform(uint word) => (word >> 8) * (1f / (1 << 24));
}

/// <summary>Reads a stream of <see cref="RandomKey"/> one number after the other. A value type: copying it forks the position.</summary>
public struct CounterRandom(RandomKey key)
{
    private readonly RandomKey _key = key;
    private (uint X, uint Y, uint Z, uint W) _words;
    private uint _block;
    private int _used = 4;

    /// <summary>The next 32 random bits.</summary>
    public uint NextBits()
    {
        if (_used == 4)
        {
            _words = _key.Block(_block++);
            _used = 0;
        }

        return _used++ switch { 0 => _words.X, 1 => _words.Y, 2 => _words.Z, _ => _words.W };
    }

    /// <summary>A float in [0, 1).</summary>
    public float NextSingle() => RandomKey.ToUniform(NextBits());

    /// <summary>A double in [0, 1) with 53 random bits.</summary>
    public double NextDouble()
    {
        ulong high = NextBits() >> 5, low = NextBits() >> 6;
        return ((high << 26) | low) * (1.0 / (1UL << 53));
    }

    /// <summary>A double in [low, high).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>An integer in [low, high), without modulo bias.</summary>
    public int NextInt(int low, int high)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(low, high);
        uint range = (uint)(high - low);
        // Lemire 2019: the low half of the product is biased only below 2^32 mod range.
        uint threshold = (0u - range) % range;
        ulong product;
        do
            product = (ulong)NextBits() * range;
        while ((uint)product < threshold);
        return low + (int)(product >> 32);
    }

    /// <summary>True with the given probability.</summary>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>Shuffles in place (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt(0, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
