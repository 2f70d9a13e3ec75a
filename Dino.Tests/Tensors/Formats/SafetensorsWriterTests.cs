using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

public sealed class SafetensorsWriterTests
{
    [Fact]
    public void What_is_written_is_read_back_in_every_type()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("all.safetensors");
        SafetensorsWriter writer = new() { Metadata = { ["format"] = "pt", ["note"] = "ümläut \"quoted\"" } };
        float[] singles = [1.5f, -0f, float.NaN, float.PositiveInfinity, 1e-40f, 3e38f];
        double[] doubles = [Math.PI, 1e300];
        long[] longs = [long.MaxValue, -1];
        Half[] halves = [(Half)0.5f, Half.MaxValue, Half.NaN];
        writer.Add("f32", [2, 3], singles);
        writer.Add("i32", [2], (int[])[int.MinValue, 7]);
        writer.Add("bf16", DType.BF16, [3], () => [0x80, 0x3f, 0x00, 0xc0, 0x80, 0x7f]);
        writer.Add("f16", DType.F16, [3, 1], () => MemoryMarshal.AsBytes(halves.AsSpan()));
        writer.Add("u8", DType.U8, [3], () => [0, 127, 255]);
        writer.AddRaw("f64", "F64", [2], () => MemoryMarshal.AsBytes(doubles.AsSpan()));
        writer.AddRaw("i64", "I64", [2], () => MemoryMarshal.AsBytes(longs.AsSpan()));
        writer.Add("scalar", [], (float[])[42]);
        writer.Add("empty", [0, 5], ReadOnlyMemory<float>.Empty);
        writer.Save(path);

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal("ümläut \"quoted\"", file.Metadata["note"]);
        Assert.Equal(9, file.Entries.Count);
        Assert.Equal(Bits(singles), Bits(file.ReadSingles("f32")));
        Assert.Equal([2L, 3L], file.Entries["f32"].Shape);
        Assert.Equal([int.MinValue, 7.0], file.ReadDoubles("i32"));
        Assert.Equal([1f, -2f, float.PositiveInfinity], file.ReadSingles("bf16"));
        Assert.Equal([0.5f, 65504f, float.NaN], file.ReadSingles("f16"));
        Assert.Equal([0f, 127f, 255f], file.ReadSingles("u8"));
        Assert.Equal(doubles, file.ReadDoubles("f64"));
        Assert.Equal(MemoryMarshal.AsBytes(longs.AsSpan()).ToArray(), file.ReadRaw("i64"));
        Assert.Equal([42f], file.ReadSingles("scalar"));
        Assert.Empty(file.ReadSingles("empty"));
    }

    [Fact]
    public void Tensors_are_aligned_to_their_element_size_and_the_data_to_8_bytes()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("aligned.safetensors");
        SafetensorsWriter writer = new();
        writer.Add("a", DType.U8, [3], () => [1, 2, 3]);
        writer.Add("b", [1], (float[])[4]);
        writer.AddRaw("c", "F64", [1], () => new byte[8]);
        writer.Add("d", DType.F16, [1], () => new byte[2]);
        writer.Save(path);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (TensorEntry entry in file.Entries.Values)
        {
            Assert.True(file.TryLocate(entry.Name, out long position));
            Assert.Equal(0, position % (entry.Length / entry.Count));
        }
    }

    // 262144 bytes is the reader's buffer: lengths around it in each of the widening paths.
    [Theory, InlineData(0), InlineData(1), InlineData(131071), InlineData(131072), InlineData(131073), InlineData(300000)]
    public void Widening_agrees_with_the_element_by_element_reading_at_every_length(int count)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("long.safetensors");
        byte[] bytes = new byte[count * 4];
        CounterRandom random = new(new RandomKey(3));
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)random.NextBits();
        SafetensorsWriter writer = new();
        foreach ((string name, DType type) in ((string, DType)[])[("f32", DType.F32), ("bf16", DType.BF16), ("f16", DType.F16), ("i32", DType.I32), ("u8", DType.U8)])
            writer.Add(name, type, [count], () => bytes.AsSpan(0, count * type.Size()));
        writer.Save(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (string name in file.Entries.Keys)
            Assert.Equal(Array.ConvertAll(file.ReadDoubles(name), value => (float)value), file.ReadSingles(name));
    }

    [Fact]
    public void A_failing_tensor_leaves_the_old_file_and_no_temporary_one()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("kept.safetensors");
        File.WriteAllText(path, "old");
        SafetensorsWriter writer = new();
        writer.Add("short", DType.F32, [2], () => new byte[4]);
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => writer.Save(path));
        Assert.Contains("'short'", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void Equal_content_gives_equal_files_whatever_the_order_of_adding()
    {
        static byte[] Written(params string[] names)
        {
            SafetensorsWriter writer = new();
            foreach (string name in names)
                writer.Add(name, [1], (float[])[name.Length]);
            using MemoryStream stream = new();
            writer.Write(stream);
            return stream.ToArray();
        }

        Assert.Equal(Written("a", "bb", "ccc"), Written("ccc", "a", "bb"));
    }

    [Fact]
    public void Names_and_types_are_checked_when_a_tensor_is_added()
    {
        SafetensorsWriter writer = new();
        writer.Add("a", [1], (float[])[1]);
        Assert.Throws<ArgumentException>(() => writer.Add("a", [1], (float[])[1]));
        Assert.Throws<ArgumentException>(() => writer.Add("__metadata__", [1], (float[])[1]));
        Assert.Throws<ArgumentException>(() => writer.AddRaw("b", "Q99", [1], () => default));
        Assert.Throws<ArgumentException>(() => writer.AddRaw("b", "I64", [-1], () => default));
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
