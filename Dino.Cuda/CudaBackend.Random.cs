using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct RandomArguments(
        nint Y, long Count, uint SeedLow, uint SeedHigh, uint A, uint B, uint C, float First, float Second, float Largest, int IsAligned, int Padding = 0);

    public override void RandomUniform(in View y, RandomKey key, float low, float high) =>
        Random("random_uniform", y, key, low, high - low, high > low ? MathF.BitDecrement(high) : low);

    public override void RandomNormal(in View y, RandomKey key, float mean, float deviation) =>
        Random("random_normal", y, key, mean, deviation, 0f);

    private void Random(string kernel, in View y, RandomKey key, float first, float second, float largest)
    {
        RequireF32(nameof(Random), y.DType);
        RandomArguments arguments = new(
            y.Address, y.Count, (uint)key.Seed, (uint)(key.Seed >> 32), key.A, key.B, key.C, first, second, largest, Quads(QuadElements, y.Address) > 0 ? 1 : 0);
        LaunchOver(_kernels["random", kernel], arguments, y.Count, QuadElements);
    }
}
