using System.Buffers.Binary;
using System.Text;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Formats are told apart by content, whatever the file is called.</summary>
public sealed class TensorFileTests
{
    // 0x280 = 640: the length of the header begins like a pickle of protocol 2; 0x4B50 like an archive.
    [Theory, InlineData(0x180), InlineData(0x280), InlineData(0x580), InlineData(0x4B50), InlineData(0x7B)]
    public void A_safetensors_header_of_any_length_is_one(int length)
    {
        using TemporaryFolder folder = new();
        byte[] bytes = new byte[8 + length + 1];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        bytes.AsSpan(8, length).Fill((byte)' ');
        Encoding.ASCII.GetBytes("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""").CopyTo(bytes, 8);
        File.WriteAllBytes(folder.Path("w.pth"), bytes);
        using TensorFile file = TensorFile.Open(folder.Path("w.pth"));
        Assert.IsType<SafetensorsFile>(file);
        Assert.Equal("safetensors", file.Format);
    }

    [Fact]
    public void Both_layouts_of_PyTorch_say_which_they_are()
    {
        using TemporaryFolder folder = new();
        byte[] pickle = new PickleBuilder().EmptyDict().Stop().ToArray();
        TorchFiles.WriteZip(folder.Path("zip"), pickle);
        TorchFiles.WriteStream(folder.Path("stream"), pickle);
        // Protocol 0 has no first byte of its own.
        File.WriteAllText(folder.Path("text"), "L119547037146038801333356L\n.I1001\n.(d.(d.(l.");
        foreach ((string name, string format) in ((string, string)[])[("zip", TorchFile.ZipFormat), ("stream", TorchFile.StreamFormat), ("text", TorchFile.StreamFormat)])
        {
            using TensorFile file = TensorFile.Open(folder.Path(name));
            Assert.Equal(format, file.Format);
            Assert.Empty(file.Entries);
        }
    }

    [Theory, InlineData(""), InlineData("text"), InlineData("\0\0\0\0\0\0\0\0\0\0")]
    public void Other_files_are_refused_by_name(string content)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.Path("w.pth"), content);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TensorFile.Open(folder.Path("w.pth")));
        Assert.Contains(folder.Path("w.pth"), error.Message, StringComparison.Ordinal);
        Assert.Contains("no tensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_of_PyTorch_are_read_as_one_file()
    {
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(WriteShards(folder, "pytorch_model-00002-of-00002.bin"));
        Assert.Equal("torch zip shards", file.Format);
        Assert.Equal(["a", "b"], file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([1, 2], file.ReadSingles("a"));
        Assert.Equal([3, 4, 5], file.ReadSingles("b"));
    }

    [Theory]
    [InlineData("../pytorch_model-00002-of-00002.bin", "not the name of a file beside the index")]
    [InlineData("/etc/passwd", "not the name of a file beside the index")]
    [InlineData("sub\\\\part.bin", "not the name of a file beside the index")]
    [InlineData("", "not the name of a file beside the index")]
    [InlineData("pytorch_model-00001-of-00002.bin", "tensor 'b' is missing")]
    [InlineData("pytorch_model.bin.index.json", "where an index has a shard")]
    public void Shards_of_PyTorch_that_are_elsewhere_or_none_are_refused(string shard, string reason)
    {
        using TemporaryFolder folder = new();
        string path = WriteShards(folder, shard);
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message, StringComparison.Ordinal);
    }

    private static string WriteShards(TemporaryFolder folder, string second)
    {
        TorchFiles.Write(folder.Path("pytorch_model-00001-of-00002.bin"), new (object, object?)[] { ("a", (new long[] { 2 }, new float[] { 1, 2 })) });
        TorchFiles.Write(folder.Path("pytorch_model-00002-of-00002.bin"), new (object, object?)[] { ("b", (new long[] { 3 }, new float[] { 3, 4, 5 })) });
        string path = folder.Path("pytorch_model.bin.index.json");
        File.WriteAllText(path, $$"""{"metadata": {}, "weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "{{second}}"} }""");
        return path;
    }
}
