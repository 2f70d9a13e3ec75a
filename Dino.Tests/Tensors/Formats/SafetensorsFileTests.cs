using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

public sealed class SafetensorsFileTests
{
    /// <summary>Header, data bytes and a word of the error it must give.</summary>
    public static TheoryData<string, int, string> Malformed => new()
    {
        { "{not json", 0, "not valid safetensors JSON" },
        { "[]", 0, "not an object" },
        { "", 0, "not valid" },
        { """{"a":{"dtype":"Q99","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown element type" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "needs 8 bytes" },
        { """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "negative axis" },
        { """{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}}""", 4, "not valid" },
        { """{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "not valid" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1000]}}""", 4, "outside" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "outside" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "outside" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "outside" },
        { """{"a":{"dtype":"F32","shape":[1]}}""", 4, "not valid" },
        { """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "not valid" },
        { """{"a":5}""", 4, "not valid" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "listed twice" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "before the end of tensor" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "before the end of tensor" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "after the end of tensor" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "after the start of the data" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "1 bytes follow the last tensor" },
        { """{"__metadata__":{"epoch":3}}""", 0, "not valid" },
        { """{"__metadata__":"text"}""", 0, "not valid" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void A_malformed_header_is_refused_with_its_reason(string header, int dataBytes, string reason)
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, header, new byte[dataBytes]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    /// <summary>First bytes, and what the error must call the file. The rest of each is zeros, as many as make the file long enough for any small header.</summary>
    public static TheoryData<byte[], string> Foreign => new()
    {
        { [.. "PK\x03\x04"u8, 0, 0, 8, 8, .. "archive/data.pkl"u8], "PyTorch" },
        // Read as a length, these are 67 MB: less than a header may have.
        { [.. "PK\x03\x04"u8, 0, 0, 0, 0], "PyTorch" },
        { [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, .. "."u8], "PyTorch" },
        { [0x93, .. "NUMPY\x01\0v\0"u8], "NumPy" },
        { [.. "version https://git-lfs.github.com/spec/v1\noid sha256:0"u8], "git lfs pull" },
        { [.. "<!DOCTYPE html><html>"u8], "web page" },
        { [.. "once upon a time"u8], "does not begin with" },
        { [0xff, 0xd8, 0xff, 0xe0, 0, 16, .. "JFIF"u8], "does not begin with" },
    };

    [Theory, MemberData(nameof(Foreign))]
    public void A_file_of_another_kind_is_called_what_it_is_and_no_length_is_made_of_its_first_bytes(byte[] start, string kind)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("weights.pth");
        File.WriteAllBytes(path, [.. start, .. new byte[100]]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith($"{path} is not a safetensors file", error.Message, StringComparison.Ordinal);
        Assert.Contains(kind, error.Message, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\d{5}", error.Message[path.Length..]);
    }

    /// <summary>A header of 0x280 bytes begins with the two bytes of a pickle; what stands behind the length decides.</summary>
    [Fact]
    public void A_length_that_looks_like_a_signature_is_a_length()
    {
        using TemporaryFolder folder = new();
        string header = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";
        string path = Write(folder, header.PadRight(0x280), new byte[4]);
        Assert.Equal([0x80, 2], File.ReadAllBytes(path)[..2]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal([1L], file.Entry("a").Shape);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_refused_by_name()
    {
        using TemporaryFolder folder = new();
        FileNotFoundException missing = Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(folder.Path("none")));
        Assert.Equal($"There is no file '{folder.Path("none")}' (looked for {folder.Path("none")}).", missing.Message);
        Assert.Equal($"'{folder.Root}' is a folder, not a safetensors file.", Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(folder.Root)).Message);
    }

    [Theory, InlineData(0), InlineData(7), InlineData(8), InlineData(40)]
    public void A_file_cut_short_is_refused(int length)
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", new byte[4]);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(length < 9 ? $"{path} is not a safetensors file" : $"{path} is cut short or damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_single_byte_change_is_read_or_refused_but_never_crashes()
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, """{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}""", new byte[8]);
        byte[] good = File.ReadAllBytes(path);
        foreach (byte value in (byte[])[0, 1, 0x22, 0x39, 0x7d, 0x80, 0xff])
        {
            for (int i = 0; i < good.Length - 8; i++)
            {
                byte[] bad = [.. good];
                bad[i] = value;
                File.WriteAllBytes(path, bad);
                try
                {
                    using SafetensorsFile file = SafetensorsFile.Open(path);
                    foreach (string name in file.Entries.Keys)
                        file.ReadDoubles(name);
                }
                catch (InvalidDataException)
                {
                }
            }
        }
    }

    [Fact]
    public void The_safetensors_cases_of_the_checkpoint_fixtures_are_loaded_or_refused_as_they_ask()
    {
        if (!FixtureStore.Groups.TryGetValue("ckpt", out string? folder))
            return; // The group is not part of the repository; the malformed headers above cover the same faults.
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        foreach (JsonProperty item in cases.RootElement.GetProperty("cases").EnumerateObject())
        {
            foreach (string name in item.Value.GetProperty("files").EnumerateArray().Select(file => file.GetString()!).Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)))
            {
                string path = Path.Combine(folder, name);
                if (item.Value.GetProperty("expect").GetString() == "error")
                {
                    Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
                    continue;
                }

                using SafetensorsFile file = SafetensorsFile.Open(path);
                Assert.Equal("pt", file.Metadata["format"]);
                Assert.Equal([2L, 3L], file.Entries["b"].Shape);
                Assert.Equal("I64", file.Entries["b"].Type);
                Assert.Empty(file.ReadSingles("e"));
                Assert.Single(file.ReadSingles("s"));
                foreach (string tensor in file.Entries.Keys)
                    Assert.Equal(Array.ConvertAll(file.ReadDoubles(tensor), value => (float)value), file.ReadSingles(tensor));
            }
        }
    }

    [Fact]
    public void Every_golden_file_is_accepted()
    {
        string[] paths = [.. FixtureStore.Groups.Where(group => group.Key != "ckpt").SelectMany(group => Directory.EnumerateFiles(group.Value, "*.safetensors", SearchOption.AllDirectories))];
        Assert.NotEmpty(paths);
        foreach (string path in paths)
            SafetensorsFile.Open(path).Dispose();
    }

    [Fact]
    public void A_missing_tensor_is_named_with_those_that_exist()
    {
        using TemporaryFolder folder = new();
        using SafetensorsFile file = SafetensorsFile.Open(Write(folder, """{"weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", [7]));
        KeyNotFoundException error = Assert.Throws<KeyNotFoundException>(() => file.ReadSingles("bias"));
        Assert.Contains("'bias'", error.Message, StringComparison.Ordinal);
        Assert.Contains("weight", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => file.ReadSingles("weight", new float[2]));
        Assert.Equal([7], file.ReadRaw("weight"));
    }

    private static string Write(TemporaryFolder folder, string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + json.Length);
        string path = folder.Path("file.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
