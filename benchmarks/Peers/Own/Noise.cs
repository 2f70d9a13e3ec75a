namespace Dino.Benchmarks.Peers.Own;

/// <summary>The inputs that every contender gets: element i is a hash of start + i, uniform in [-1, 1).</summary>
internal static class Noise
{
    public static float[] Of(int count, uint start = 0)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            uint bits = (start + (uint)i) * 2654435769u;
            bits = (bits ^ (bits >> 15)) * 2246822519u;
            bits ^= bits >> 13;
            values[i] = ((bits >> 8) / (float)(1 << 23)) - 1f;
        }

        return values;
    }
}
