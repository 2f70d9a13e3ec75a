using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers;

/// <summary>Features in ten overlapping clusters, written to files so that every contender classifies the same ones.</summary>
internal static class KnnData
{
    public const int Width = 384;
    private const int Classes = 10;
    private const float Spread = 6;

    /// <summary>Writes features.f32, queries.f32 ([n, 384], unit length) and their labels as .i32.</summary>
    public static void Write(string folder, int features, int queries)
    {
        Directory.CreateDirectory(folder);
        CounterRandom random = new(new RandomKey(7));
        float[] centres = new float[Classes * Width];
        foreach (ref float value in centres.AsSpan())
            value = (2 * random.NextSingle()) - 1;
        Write(Path.Combine(folder, "features"), features, centres, ref random);
        Write(Path.Combine(folder, "queries"), queries, centres, ref random);
    }

    private static void Write(string path, int count, float[] centres, ref CounterRandom random)
    {
        float[] values = new float[count * Width];
        int[] labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.NextInt(0, Classes);
            double sum = 0;
            Span<float> row = values.AsSpan(i * Width, Width);
            for (int j = 0; j < Width; j++)
            {
                row[j] = centres[(labels[i] * Width) + j] + (Spread * ((2 * random.NextSingle()) - 1));
                sum += row[j] * row[j];
            }

            float scale = (float)(1 / Math.Sqrt(sum));
            foreach (ref float value in row)
                value *= scale;
        }

        File.WriteAllBytes(path + ".f32", MemoryMarshal.AsBytes<float>(values));
        File.WriteAllBytes(path + ".i32", MemoryMarshal.AsBytes<int>(labels));
    }
}
