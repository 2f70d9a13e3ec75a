using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>What a file of torch.save may hold, beyond the recorded files.</summary>
public sealed class TorchFileTests
{
    private static readonly float[] s_six = [0, 1, 2, 3, 4, 5];

    public static TheoryData<string> Protocols => [.. Enumerable.Range(0, 6).Select(protocol => $"{protocol}")];

    [Theory, MemberData(nameof(Protocols))]
    public void Every_pickle_protocol_gives_the_same_values(string protocol)
    {
        using FixtureCase recorded = FixtureStore.Open("pickle/protocols");
        byte[] pickle = Convert.FromBase64String(recorded.Json.GetProperty("protocols").GetProperty(protocol).GetString()!);
        TorchDictionary root = Assert.IsType<TorchDictionary>(Root(pickle));
        Assert.Equal("é世\n\"x'", root["text"]);
        Assert.Equal(-5L, root["int"]);
        Assert.Equal(1L << 40, root["wide"]);
        Assert.Equal(BigInteger.Pow(2, 70), root["big"]);
        Assert.Equal(-BigInteger.Pow(2, 70), root["neg_big"]);
        Assert.Equal(1e-300, root["float"]);
        Assert.Null(root["none"]);
        Assert.Equal([true, false], Sequence(root["flags"], TorchSequenceKind.List));
        TorchSequence tuple = Sequence(root["tuple"], TorchSequenceKind.Tuple);
        Assert.Equal([3, 2, 1, 0], tuple.Skip(1).Select(item => Sequence(item, TorchSequenceKind.Tuple).Count));
        Assert.Equal([0, 255], Assert.IsType<byte[]>(root["bytes"]));
        Assert.Empty(Assert.IsType<byte[]>(root["empty"]));
        Assert.Equal("ab"u8.ToArray(), Assert.IsType<byte[]>(root["bytearray"]));
        Assert.Equal([1L], Sequence(root["set"], TorchSequenceKind.Set));
        Assert.Equal([2L], Sequence(root["frozen"], TorchSequenceKind.Set));
        Assert.Equal(["z", "a"], Assert.IsType<TorchDictionary>(root["ordered"]).Keys);
        Assert.Equal(3L, Assert.IsType<TorchDictionary>(root["count"])["k"]);
        TorchNamespace space = Assert.IsType<TorchNamespace>(root["space"]);
        Assert.Equal((0.5, "n"), (space["lr"], space["name"]));
        TorchSequence shared = Sequence(root["shared"], TorchSequenceKind.List);
        Assert.Same(shared[0], shared[1]);
        Assert.Equal(new string('x', 300), root["long"]);
        Assert.Equal("seven", root[7L]);
        Assert.Equal("pair", root.First(item => item.Key is TorchSequence).Value);
    }

    [Fact]
    public void Every_way_to_rebuild_a_tensor_gives_it()
    {
        PickleBuilder pickle = new PickleBuilder().EmptyDict();
        Start("old").Global("torch._utils", "_rebuild_tensor").Mark().Storage("0", 6).Int(2).Ints(2, 2).Ints(2, 1).Tuple().Reduce().SetItem();
        Start("typed").Global("torch._utils", "_rebuild_tensor_v3").Mark().Storage("1", 8, "UntypedStorage", "torch.storage").Int(1).Ints(3).Ints(1).Raw(0x89).EmptyDict()
            .Global("torch", "uint16").Tuple().Reduce().SetItem();
        Start("parameter").Global("torch._utils", "_rebuild_parameter_with_state").Mark().Tensor("0", 2, 3).Raw(0x88).EmptyDict().EmptyDict().Tuple().Reduce().SetItem();
        Start("subclass").Global("torch._tensor", "_rebuild_from_type_v2").Mark().Global("torch._utils", "_rebuild_tensor_v2").Global("torch.nn.parameter", "Parameter")
            .Mark().Storage("0", 6).Int(0).Ints(3, 2).Ints(1, 3).Raw(0x89).EmptyDict().Tuple().EmptyDict().Tuple().Reduce().SetItem();
        using TemporaryFolder folder = new();
        TorchFiles.WriteZip(folder.Path("w"), pickle.Stop().ToArray(), new Dictionary<string, byte[]> { ["0"] = TorchFiles.Bytes(s_six), ["1"] = [1, 0, 2, 0, 3, 0, 255, 255] });
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal([2, 3, 4, 5], file.ReadSingles("old"));
        Assert.Equal("U16", file.Entry("typed").Type);
        Assert.Equal([2, 3, 65535], file.ReadDoubles("typed"));
        Assert.Equal(s_six, file.ReadSingles("parameter"));
        Assert.Equal([0, 3, 1, 4, 2, 5], file.ReadSingles("subclass"));

        PickleBuilder Start(string name) => pickle.Text(name);
    }

    [Fact]
    public void Numpy_arrays_and_scalars_are_read_in_any_order_of_bytes_and_axes()
    {
        PickleBuilder pickle = new PickleBuilder().EmptyDict();
        Array("rows", "f4", "<", isFortran: false, TorchFiles.Bytes(s_six), "numpy._core.multiarray");
        Array("columns", "f4", "<", isFortran: true, TorchFiles.Bytes(s_six), "numpy.core.multiarray");
        Array("big", "i2", ">", isFortran: false, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 0], "numpy.core.multiarray");
        pickle.Text("buffer").Global("numpy._core.numeric", "_frombuffer").Mark().Bytes(1, 0, 1);
        Type("b1", "|").Ints(3).Text("C").Tuple().Reduce().SetItem();
        Scalar("double", "f8", "<", BitConverter.GetBytes(0.1));
        Scalar("swapped", "i4", ">", [0, 0, 1, 0]);
        Scalar("large", "u8", "<", BitConverter.GetBytes(ulong.MaxValue));
        Scalar("flag", "b1", "|", [1]);
        using TemporaryFolder folder = new();
        TorchFiles.WriteStream(folder.Path("w"), pickle.Stop().ToArray());
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal(s_six, file.ReadSingles("rows"));
        Assert.Equal([0, 2, 4, 1, 3, 5], file.ReadSingles("columns"));
        Assert.Equal([1, 2, 3, 4, 5, 256], file.ReadSingles("big"));
        Assert.Equal(("BOOL", 3), (file.Entry("buffer").Type, file.Entry("buffer").Count));
        Assert.Equal((0.1, 256L, (BigInteger)ulong.MaxValue, true), (file.Find("double"), file.Find("swapped"), file.Find("large"), file.Find("flag")));

        PickleBuilder Type(string code, string order) => pickle.Global("numpy", "dtype").Mark().Text(code).Raw(0x89).Raw(0x88).Tuple().Reduce()
            .Mark().Int(3).Text(order).Raw("NNN").Int(-1).Int(-1).Int(0).Tuple().Raw("b");

        void Array(string name, string code, string order, bool isFortran, byte[] bytes, string module)
        {
            pickle.Text(name).Global(module, "_reconstruct").Mark().Global("numpy", "ndarray").Ints(0).Bytes((byte)'b').Tuple().Reduce().Mark().Int(1).Ints(2, 3);
            Type(code, order).Raw(isFortran ? (byte)0x88 : (byte)0x89).Bytes(bytes).Tuple().Raw("b").SetItem();
        }

        void Scalar(string name, string code, string order, byte[] bytes)
        {
            pickle.Text(name).Global("numpy.core.multiarray", "scalar").Mark();
            Type(code, order).Bytes(bytes).Tuple().Reduce().SetItem();
        }
    }

    [Fact]
    public void Names_sizes_devices_and_paths_are_values_too()
    {
        TorchDictionary root = Assert.IsType<TorchDictionary>(Root(new PickleBuilder().EmptyDict()
            .Text("type").Global("torch", "float16").SetItem()
            .Text("device").Global("torch", "device").Mark().Text("cuda").Int(1).Tuple().Reduce().SetItem()
            .Text("folder").Global("pathlib", "PosixPath").Mark().Text("/").Text("checkpoint").Text("dino").Tuple().Reduce().SetItem()
            .Text("relative").Global("pathlib._local", "WindowsPath").Mark().Text("runs").Text("dino").Tuple().Reduce().SetItem()
            .Text("size").Global("torch", "Size").Mark().Ints(2, 3).Tuple().Reduce().SetItem().Stop().ToArray()));
        Assert.Equal(("torch.float16", "cuda:1"), (Assert.IsType<TorchSymbol>(root["type"], exactMatch: false).Name, Assert.IsType<TorchSymbol>(root["device"]).Name));
        Assert.Equal(("/checkpoint/dino", "runs\\dino"), (root["folder"], root["relative"]));
        Assert.Equal([2L, 3L], Sequence(root["size"], TorchSequenceKind.Tuple));
    }

    [Fact]
    public void Strings_of_Python_2_are_text_where_they_can_be()
    {
        Assert.Equal("weight", Root(new PickleBuilder().Raw("U\x06weight.").ToArray()));
        Assert.Equal(new byte[] { 0xff, 0x01 }, Root(new PickleBuilder().Raw("U\x02").Raw(0xff, 1).Raw(".").ToArray()));
        Assert.Equal("it's \n \\ ÿ", Root(Encoding.ASCII.GetBytes("S'it\\'s \\n \\\\ \\xff'\n.")));
    }

    [Fact]
    public void Data_of_a_big_endian_machine_is_turned()
    {
        using TemporaryFolder folder = new();
        byte[] data = new byte[8];
        BinaryPrimitives.WriteSingleBigEndian(data, 1.5f);
        BinaryPrimitives.WriteSingleBigEndian(data.AsSpan(4), -2);
        TorchFiles.WriteZip(folder.Path("w"), new PickleBuilder().Tensor("0", 2).Stop().ToArray(), new Dictionary<string, byte[]> { ["0"] = data }, more: ("byteorder", "big"u8.ToArray()));
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal([1.5f, -2], file.ReadSingles(""));
        Assert.False(file.TryLocate("", out _));
    }

    [Fact]
    public void Views_of_the_older_format_share_their_storage()
    {
        using TemporaryFolder folder = new();
        byte[] pickle = new PickleBuilder().Global("torch._utils", "_rebuild_tensor_v2").Mark()
            .Mark().Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(6).Mark().Text("v").Int(2).Int(3).Tuple().Tuple().Raw("Q")
            .Int(1).Ints(2).Ints(1).Raw(0x89).EmptyDict().Tuple().Reduce().Stop().ToArray();
        TorchFiles.WriteStream(folder.Path("w"), pickle, new Dictionary<string, byte[]> { ["0"] = TorchFiles.Bytes(s_six) });
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal([3, 4], file.ReadSingles(""));
    }

    [Fact]
    public void Stored_tensors_can_be_used_where_they_lie_and_others_cannot()
    {
        using TemporaryFolder folder = new();
        byte[] pickle = new PickleBuilder().Raw("](").Tensor("0", 2, 3).Tensor("0", 6, 0, [3, 2], [1, 3]).Raw("e").Stop().ToArray();
        Dictionary<string, byte[]> storages = new() { ["0"] = TorchFiles.Bytes(s_six) };
        TorchFiles.WriteZip(folder.Path("stored"), pickle, storages);
        TorchFiles.WriteZip(folder.Path("deflated"), pickle, storages, compress: true);
        using TorchFile stored = TorchFile.Open(folder.Path("stored")), deflated = TorchFile.Open(folder.Path("deflated"));
        Assert.True(stored.TryLocate("0", out long position));
        Assert.Equal(TorchFiles.Bytes(s_six), File.ReadAllBytes(folder.Path("stored")).AsSpan((int)position, 24).ToArray());
        Assert.False(stored.TryLocate("1", out _));
        Assert.False(deflated.TryLocate("0", out _));
        Assert.Equal(stored.ReadSingles("1"), deflated.ReadSingles("1"));
    }

    [Fact]
    public void A_checksum_that_the_writer_left_out_is_not_missed()
    {
        using TemporaryFolder folder = new();
        TorchFiles.WriteZip(folder.Path("w"), new PickleBuilder().Tensor("0", 6).Stop().ToArray(), new Dictionary<string, byte[]> { ["0"] = TorchFiles.Bytes(s_six) });
        byte[] bytes = File.ReadAllBytes(folder.Path("w"));
        TorchFiles.PatchDirectory(bytes, "", 16, 0, 0, 0, 0);
        File.WriteAllBytes(folder.Path("w"), bytes);
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal(s_six, file.ReadSingles(""));
    }

    [Fact]
    public void The_checksum_is_that_of_zip_at_every_length_and_in_parts()
    {
        // The check value of the algorithm's catalogue, and lengths around the sixteen bytes of a step.
        Assert.Equal(0xCBF43926, Crc32.Append(0, "123456789"u8));
        byte[] data = [.. Enumerable.Range(0, 100).Select(i => (byte)(i * 37))];
        for (int length = 0; length <= data.Length; length++)
        {
            uint expected = uint.MaxValue;
            foreach (byte value in data.AsSpan(0, length))
            {
                expected ^= value;
                for (int bit = 0; bit < 8; bit++)
                    expected = (expected & 1) != 0 ? (expected >> 1) ^ 0xEDB88320 : expected >> 1;
            }

            Assert.Equal(~expected, Crc32.Append(0, data.AsSpan(0, length)));
            Assert.Equal(~expected, Crc32.Append(Crc32.Append(0, data.AsSpan(0, length / 3)), data.AsSpan(length / 3, length - (length / 3))));
        }
    }

    [Fact]
    public void Values_are_found_by_path()
    {
        using TemporaryFolder folder = new();
        TorchFiles.WriteStream(folder.Path("w"), new PickleBuilder().EmptyDict().Text("groups").Raw("](").EmptyDict().Text("lr").Float(0.5).SetItem().Int(7).Raw("e").SetItem().Int(3).Text("three").SetItem().Stop().ToArray());
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        Assert.Equal((0.5, 7L, "three"), (file.Find("groups/0/lr"), file.Find("groups/1"), file.Find("3")));
        Assert.All(new[] { "lr", "groups/2", "groups/-1", "groups/1/x", "" }, path => Assert.Null(file.Find(path)));
    }

    /// <summary>The value of a pickle without tensors.</summary>
    private static object? Root(byte[] pickle)
    {
        using TemporaryFolder folder = new();
        TorchFiles.WriteZip(folder.Path("w"), pickle);
        using TorchFile file = TorchFile.Open(folder.Path("w"));
        return file.Root;
    }

    private static TorchSequence Sequence(object? value, TorchSequenceKind kind)
    {
        TorchSequence sequence = Assert.IsType<TorchSequence>(value);
        Assert.Equal(kind, sequence.Kind);
        return sequence;
    }
}
