using System.Text;
using System.Text.Json;
using Dino.Nn;

namespace Dino.Tests.Nn;

/// <summary>Weights of full-size golden cases: an integer hash of name and position, so that no file has to hold them.</summary>
internal static class HashedWeights
{
    /// <summary>Writes every parameter and buffer that the case lists.</summary>
    public static void Fill(ParameterStore store, JsonElement config)
    {
        uint salt = config.GetProperty("salt").GetUInt32();
        foreach (JsonElement weight in config.GetProperty("weights").EnumerateArray())
        {
            string key = weight[0].GetString()!;
            StateDict.Write(store[key].Tensor, Values(key, store[key].Shape.Count, weight[2].GetDouble(), weight[3].GetDouble(), salt));
        }
    }

    /// <summary>a · u + b with u in [-1, 1) from the hash.</summary>
    public static float[] Values(string key, long count, double a, double b, uint salt)
    {
        uint seed = unchecked(Crc32(Encoding.UTF8.GetBytes(key)) + salt);
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            uint x = unchecked((uint)i + (seed * 0x9E3779B9));
            x = unchecked((x ^ (x >> 16)) * 0x7FEB352D);
            x = unchecked((x ^ (x >> 15)) * 0x846CA68B);
            x ^= x >> 16;
            values[i] = (float)((a * ((2 * (x / 4294967296.0)) - 1)) + b);
        }

        return values;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }

        return ~crc;
    }
}
