using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Random numbers are part of a run's identity: a CUDA device draws those of the CPU, to the bit.</summary>
public sealed class CudaRandomTests
{
    private static readonly RandomKey[] Keys = [new(42, 1, 2, 3), new(0xFEDC_BA98_7654_3210, 0xFFFF_FFFF, 7, 0x8000_0000), new(0)];

    [Fact]
    public void Uniform_numbers_are_those_of_the_CPU()
    {
        using ComparedBackends both = new();
        foreach ((float low, float high) in ((float, float)[])[(-2, 3), (0, 1), (1, MathF.BitIncrement(1)), (0.1f, 0.3f), (5, 5)])
            AssertDraws(both, (backend, y, key) => backend.RandomUniform(y, key, low, high));
    }

    [Fact]
    public void Normal_numbers_are_those_of_the_CPU()
    {
        using ComparedBackends both = new();
        foreach ((float mean, float deviation) in ((float, float)[])[(0, 1), (1, 0.02f), (-0.3f, 7)])
            AssertDraws(both, (backend, y, key) => backend.RandomNormal(y, key, mean, deviation));
    }

    private static void AssertDraws(ComparedBackends both, Action<Backend, View, RandomKey> draw)
    {
        foreach (RandomKey key in Keys)
        {
            foreach ((int n, int offset) in ((int, int)[])[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (257, 0), (1026, 2), (10_001, 0)])
                both.AssertEqual($"{n} numbers of {key}", [Contents.Unwritten([n], offset)], (backend, v) => draw(backend, v[0], key));
        }
    }
}
