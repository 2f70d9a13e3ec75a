using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Writes files as torch.save does, around pickles of the tests' own making.</summary>
internal static class TorchFiles
{
    /// <summary>The zip layout.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="pickle">Content of data.pkl.</param>
    /// <param name="storages">Their bytes by key.</param>
    /// <param name="compress">Deflates the entries.</param>
    /// <param name="more">Further entries, by name below the root.</param>
    public static void WriteZip(string path, byte[] pickle, IReadOnlyDictionary<string, byte[]>? storages = null, bool compress = false, params (string Name, byte[] Content)[] more)
    {
        using ZipArchive archive = new(File.Create(path), ZipArchiveMode.Create);
        Add("data.pkl", pickle);
        foreach ((string key, byte[] bytes) in storages ?? new Dictionary<string, byte[]>())
            Add($"data/{key}", bytes);
        Add("version", "3\n"u8.ToArray());
        foreach ((string name, byte[] content) in more)
            Add(name, content);

        void Add(string name, byte[] content)
        {
            using Stream stream = archive.CreateEntry($"any name/{name}", compress ? CompressionLevel.SmallestSize : CompressionLevel.NoCompression).Open();
            stream.Write(content);
        }
    }

    /// <summary>The layout before it.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="pickle">The object.</param>
    /// <param name="storages">Bytes by key, and the size of an element.</param>
    public static void WriteStream(string path, byte[] pickle, IReadOnlyDictionary<string, byte[]>? storages = null, int elementSize = 4)
    {
        PickleBuilder keys = new PickleBuilder().Raw("](");
        PickleBuilder data = new();
        foreach ((string key, byte[] bytes) in storages ?? new Dictionary<string, byte[]>())
        {
            keys.Text(key);
            byte[] count = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(count, bytes.Length / elementSize);
            data.Raw(count).Raw(bytes);
        }

        PickleBuilder head = new PickleBuilder().Int(System.Numerics.BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture)).Stop().Int(1001).Stop().EmptyDict().Stop();
        // Protocol 2 in front: files are told apart by their first bytes.
        File.WriteAllBytes(path, [0x80, 2, .. head.ToArray(), .. pickle, .. keys.Raw("e.").ToArray(), .. data.ToArray()]);
    }

    /// <summary>
    /// A file with one object: pairs of key and value make a dictionary, an array of objects a list, a shape with values a tensor; otherwise text, numbers, truth
    /// values, null or a <see cref="Namespace"/>.
    /// </summary>
    public static void Write(string path, object? root, bool compress = false)
    {
        Dictionary<string, byte[]> storages = [];
        PickleBuilder pickle = new PickleBuilder().Raw(0x80, 2);
        Add(pickle, root, storages);
        WriteZip(path, pickle.Stop().ToArray(), storages, compress);
    }

    private static void Add(PickleBuilder pickle, object? value, Dictionary<string, byte[]> storages)
    {
        switch (value)
        {
            case null: pickle.Raw("N"); break;
            case bool flag: pickle.Raw(flag ? (byte)0x88 : (byte)0x89); break;
            case int number: pickle.Int(number); break;
            case long number: pickle.Int(number); break;
            case double number: pickle.Float(number); break;
            case string text: pickle.Text(text); break;
            case (long[] shape, float[] values):
                string key = storages.Count.ToString(CultureInfo.InvariantCulture);
                storages.Add(key, Bytes(values));
                pickle.Tensor(key, shape);
                break;
            case (object Key, object? Value)[] pairs:
                pickle.Global("collections", "OrderedDict").Raw(")").Reduce();
                AddPairs(pairs);
                break;
            case Namespace space:
                pickle.Global("argparse", "Namespace").Raw(")").Raw(0x81).EmptyDict();
                AddPairs(space.Attributes);
                pickle.Raw("b");
                break;
            case object?[] items:
                pickle.Raw("](");
                foreach (object? item in items)
                    Add(pickle, item, storages);
                pickle.Raw("e");
                break;
            default: throw new ArgumentException($"{value.GetType()} cannot be written.", nameof(value));
        }

        void AddPairs((object Key, object? Value)[] pairs)
        {
            foreach ((object name, object? item) in pairs)
            {
                Add(pickle, name, storages);
                Add(pickle, item, storages);
                pickle.SetItem();
            }
        }
    }

    /// <summary>An argparse.Namespace.</summary>
    public sealed record Namespace(params (object Key, object? Value)[] Attributes);

    /// <summary>The bytes of numbers.</summary>
    public static byte[] Bytes(params ReadOnlySpan<float> values) => MemoryMarshal.AsBytes(values).ToArray();

    /// <summary>Sets a field of every record of a zip directory whose name ends so.</summary>
    /// <param name="archive">The file's bytes.</param>
    /// <param name="ending">Of the entry's name.</param>
    /// <param name="field">Offset in the record: 10 method, 16 checksum, 20 stored size, 24 size, 42 header.</param>
    /// <param name="value">The bytes to write there.</param>
    public static void PatchDirectory(byte[] archive, string ending, int field, params ReadOnlySpan<byte> value)
    {
        int found = 0;
        for (int at = 0; at + 46 <= archive.Length; at++)
        {
            if (!archive.AsSpan(at, 4).SequenceEqual("PK\x01\x02"u8))
                continue;
            string name = System.Text.Encoding.UTF8.GetString(archive, at + 46, BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(at + 28)));
            if (!name.EndsWith(ending, StringComparison.Ordinal))
                continue;
            value.CopyTo(archive.AsSpan(at + field));
            found++;
        }

        Assert.NotEqual(0, found);
    }
}
