using System.Buffers.Binary;

namespace Dino.Tensors.Formats;

/// <summary>The CRC-32 of zip archives (reflected polynomial EDB88320), sixteen bytes a step.</summary>
/// <remarks>Sixteen independent look-ups a step, "slicing by 16": each table advances a byte past one more zero byte than the table before.</remarks>
internal static class Crc32
{
    private const int Slices = 16;

    private static readonly uint[] s_tables = BuildTables();

    /// <summary>Continues a checksum; start with 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> tables = s_tables;
        crc = ~crc;
        while (data.Length >= Slices)
        {
            uint a = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc, b = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            uint c = BinaryPrimitives.ReadUInt32LittleEndian(data[8..]), d = BinaryPrimitives.ReadUInt32LittleEndian(data[12..]);
            crc = Four(tables[(12 * 256)..], a) ^ Four(tables[(8 * 256)..], b) ^ Four(tables[(4 * 256)..], c) ^ Four(tables, d);
            data = data[Slices..];
        }

        foreach (byte value in data)
            crc = tables[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint Four(ReadOnlySpan<uint> tables, uint word) =>
        tables[(3 * 256) + (byte)word] ^ tables[(2 * 256) + (byte)(word >> 8)] ^ tables[256 + (byte)(word >> 16)] ^ tables[(int)(word >> 24)];

    private static uint[] BuildTables()
    {
        uint[] tables = new uint[Slices * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320 : value >> 1;
            tables[i] = value;
        }

        for (int i = 256; i < tables.Length; i++)
            tables[i] = tables[(byte)tables[i - 256]] ^ (tables[i - 256] >> 8);
        return tables;
    }
}
