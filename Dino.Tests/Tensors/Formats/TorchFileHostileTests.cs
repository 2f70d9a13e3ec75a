using System.Buffers.Binary;
using System.Diagnostics;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Files made to run code, to lie about sizes or to be expensive are refused in a sentence, soon and without much memory.</summary>
public sealed class TorchFileHostileTests
{
    /// <summary>Each is refused in milliseconds; seconds would mean work that the file's bytes do not bound.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TorchFileLimits Small = new() { MaxValues = 100_000, MaxPickleBytes = 1 << 20, MaxInflatedBytes = 1 << 20 };

    private static readonly Dictionary<string, byte[]> Storage = new() { ["0"] = TorchFiles.Bytes(0, 1, 2, 3, 4, 5) };

    public static TheoryData<string, byte[], string> Pickles
    {
        get
        {
            TheoryData<string, byte[], string> rows = [];
            Add("system", New().Global("os", "system").Text("true").Raw(0x85).Reduce(), "os.system");
            Add("by stack", New().Text("os").Text("system").Raw(0x93), "os.system");
            Add("instance", New().Mark().Text("true").Raw("ios\nsystem\n"), "os.system");
            Add("allowed module", New().Global("torch", "load"), "torch.load");
            Add("longer name", New().Global("collections", "OrderedDict.fromkeys"), "collections.OrderedDict.fromkeys");
            Add("dotted", New().Global("torch._utils", "os.system"), "torch._utils.os.system");
            Add("terminal", New().Global("os\x1b[2J", "x"), "\uFFFD");
            Add("extension", New().Raw(0x82, 1), "extension registry");
            Add("buffer", New().Raw(0x97), "buffers outside");
            Add("text id", New().Raw("Px\n"), "named by text");
            Add("encode", New().Global("_codecs", "encode").Mark().Text("x").Text("zlib").Tuple().Reduce(), "'zlib'");
            Add("call of a value", New().Text("x").Raw(")").Reduce(), "text");
            Add("call of a tensor", New().Tensor("0", 6).Raw(")").Reduce(), "a tensor");
            Add("wrong arguments", New().Global("torch", "device").Raw(")").Reduce(), "torch.device");
            Add("state of a list", New().Raw("]").EmptyDict().Raw("b"), "a list");

            Add("empty stack", New().Raw("0"), "stack is empty");
            Add("below a mark", New().Int(1).Mark().Raw("2"), "stack is empty");
            Add("no mark", New().Raw("t"), "mark is missing");
            Add("rest", New().Int(1).Int(2), "left over");
            Add("unknown operation", New().Raw(0xF0), "0xf0");
            Add("unknown protocol", New().Raw(0x80, 9), "protocol 9");
            Add("not stored", New().Get(3), "value 3");
            Add("far index", New().Int(1).Put(int.MaxValue), "MaxValues");
            Add("odd dictionary", New().Mark().Int(1).Raw("d"), "no value");
            Add("list as key", New().EmptyDict().Raw("]").Int(1).SetItem(), "key of a dictionary");
            Add("long text", New().Raw("X").Raw(0xff, 0xff, 0xff, 0xff), "are left");
            Add("huge text", New().Raw(0x8d).Raw(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "are left");
            Add("negative text", New().Raw(0x8d).Raw(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "are left");
            Add("negative integer length", New().Raw(0x8b).Number(-4), "-4 bytes");
            Add("huge frame", New().Raw(0x95).Raw(0, 0, 0, 0, 0, 0, 0, 0x70), "frame");
            Add("bad text", New().Raw("X").Number(2).Raw(0xC3, 0x28), "UTF-8");
            Add("digits", New().Raw("L" + new string('9', 100_000) + "\n"), "100000 characters");

            Add("unfolding", New().Raw("]").Put(0).Repeat(60, (pickle, i) => pickle.Raw("0](").Get(i).Get(i).Raw("e").Put(i + 1)), "unfold");
            Add("itself", New().Raw("]").Put(0).Get(0).Raw("a"), "nested deeper");
            Add("deep", New().Repeat(40_000, (pickle, _) => pickle.Raw("]")).Repeat(39_999, (pickle, _) => pickle.Raw("a")), "nested deeper");
            Add("many", New().Raw("(").Repeat(200_000, (pickle, _) => pickle.Raw("N")).Raw("l"), "operations");
            Add("copies", New().Raw("(").Repeat(20_000, (pickle, _) => pickle.Raw("N")).Raw("l").Put(0).Raw("0(").Repeat(5_000, (pickle, _) => pickle.Global("builtins", "set").Get(0).Raw(0x85).Reduce()).Raw("l"), "operations");
            Add("pairs", New().Raw("(").Repeat(9_000, (pickle, i) => pickle.Int(i).Raw("N").Raw(0x86)).Raw("l").Put(0).Raw("0(").Repeat(5_000, (pickle, _) => pickle.Global("collections", "OrderedDict").Get(0).Raw(0x85).Reduce()).Raw("l"), "operations");
            Add("bytes", New().Text(new string('x', 100_000)).Put(0).Raw("0(").Repeat(500, (pickle, _) => pickle.Global("_codecs", "encode").Mark().Get(0).Text("latin1").Tuple().Reduce()).Raw("l"), "MaxPickleBytes");
            Add("joined", New().Text(new string('x', 100_000)).Put(0).Raw("0(").Repeat(500, (pickle, _) => pickle.Global("pathlib", "PosixPath").Get(0).Raw(0x85).Reduce()).Raw("l"), "MaxPickleBytes");
            Add("long paths", New().Raw("]").Put(0).Raw("0").Text(new string('k', 200_000)).Put(1).Raw("0(")
                .Repeat(1000, (pickle, _) => pickle.EmptyDict().Get(1).Raw("N").SetItem()).Raw("l"), "characters");

            Add("negative axis", New().Tensor("0", 6, 0, [-2], [1]), "negative");
            Add("negative stride", New().Tensor("0", 6, 5, [6], [-1]), "negative");
            Add("negative start", New().Tensor("0", 6, -1, [2], [1]), "outside its storage");
            Add("beyond", New().Tensor("0", 6, 1, [2, 3], [3, 1]), "outside its storage");
            Add("empty beyond", New().Tensor("0", 6, 7, [0], [1]), "outside its storage");
            Add("huge axis", New().Tensor("0", 6, 0, [long.MaxValue, 8], [0, 0]), "larger than any file");
            Add("huge stride", New().Tensor("0", 6, 0, [2], [long.MaxValue]), "larger than any file");
            Add("repeated", New().Tensor("0", 6, 0, [1L << 40], [0]), "repeated beyond use");
            Add("often repeated", New().Raw("(").Repeat(500, (pickle, _) => pickle.Tensor("0", 6, 0, [1 << 20], [0])).Raw("l"), "repeated beyond use");
            Add("ranks", New().Tensor("0", 6, 0, [1, 2], [1]), "2 axes and 1 strides");
            Add("many axes", New().Tensor("0", 6, 0, new long[100], new long[100]), "100 axes");
            Add("missing storage", New().Tensor("1", 6), "missing in the archive");
            Add("short storage", New().Tensor("0", 7), "28 bytes, the entry has 24");
            Add("huge storage", New().Tensor("0", long.MaxValue / 2, 0, [1], [1]), "bytes, the entry has 24");
            Add("two types", New().Raw("(").Tensor("0", 6).Tensor("0", 6, 0, [6], [1], "IntStorage").Raw("l"), "before");
            Add("other folder", New().Tensor("../version", 6), "missing in the archive");
            Add("unknown storage", New().Tensor("0", 6, 0, [6], [1], "QInt8Storage"), "torch.QInt8Storage");
            Add("bare storage", New().Storage("0", 6), "bare storage");
            Add("path twice", New().EmptyDict().Text("a").EmptyDict().Text("b").Tensor("0", 6).SetItem().SetItem().Text("a/b").Tensor("0", 6).SetItem(), "'a/b'");
            Add("array without content", New().Global("numpy.core.multiarray", "_reconstruct").Mark().Global("numpy", "ndarray").Ints(0).Bytes(1).Tuple().Reduce(), "no content");
            Add("array of objects", New().Global("numpy", "dtype").Mark().Text("O8").Raw(0x89).Raw(0x88).Tuple().Reduce(), "'O8'");
            return rows;

            void Add(string name, PickleBuilder pickle, string reason) => rows.Add(name, pickle.Stop().ToArray(), reason);

            static PickleBuilder New() => new PickleBuilder().Raw(0x80, 2);
        }
    }

    [Theory, MemberData(nameof(Pickles))]
    public void Hostile_pickles_are_refused(string name, byte[] pickle, string reason)
    {
        Assert.NotEmpty(name);
        Refuses(path => TorchFiles.WriteZip(path, pickle, Storage), reason, "any name/data");
        // The older layout has no entry to miss or to be short.
        if (reason.Contains("the archive", StringComparison.Ordinal) || reason.Contains("the entry", StringComparison.Ordinal))
            return;
        Refuses(path => TorchFiles.WriteStream(path, pickle, pickle.AsSpan().IndexOf("storage"u8) >= 0 ? Storage : null), reason, null);
    }

    [Fact]
    public void A_storage_that_the_older_layout_lacks_or_cuts_short_is_missed()
    {
        byte[] pickle = new PickleBuilder().Raw("(").Tensor("0", 6).Tensor("1", 2).Raw("l").Stop().ToArray();
        Dictionary<string, byte[]> both = new(Storage) { ["1"] = TorchFiles.Bytes(1, 2) };
        Refuses(path => TorchFiles.WriteStream(path, pickle, Storage), "lacks '1'", null);
        Refuses(path => TorchFiles.WriteStream(path, pickle, new Dictionary<string, byte[]>(both) { ["1"] = TorchFiles.Bytes(1) }), "storage '1' of 2 elements", null);
        Refuses(path => TorchFiles.WriteStream(path, pickle, new Dictionary<string, byte[]>(both) { ["2"] = [] }), "'2', which no tensor uses", null);
        Refuses(path => Rewrite(path, () => TorchFiles.WriteStream(path, pickle, both), bytes => bytes[..^3]), "cut short: 5 bytes", null);
    }

    [Fact]
    public void An_archive_that_lies_is_refused()
    {
        byte[] pickle = new PickleBuilder().Tensor("0", 6).Stop().ToArray();
        Refuses("overlap", archive => TorchFiles.PatchDirectory(archive, "data/0", 42, archive.AsSpan(DirectoryField(archive, "data.pkl", 42), 4)));
        Refuses("overlap", archive => Enlarge(archive, "data.pkl", 100_000));
        Refuses("header contradicts", archive => TorchFiles.PatchDirectory(archive, "data/0", 10, 8, 0));
        Refuses("header contradicts", archive => archive[archive.AsSpan().IndexOf("data/0"u8)] = (byte)'e');
        Refuses("method 12", archive => TorchFiles.PatchDirectory(archive, "data/0", 10, 12, 0));
        Refuses("encrypted", archive => TorchFiles.PatchDirectory(archive, "data/0", 8, 1, 0));
        Refuses("sizes", archive => TorchFiles.PatchDirectory(archive, "data/0", 24, 25, 0, 0, 0));
        Refuses("is there twice", RenameToVersion);
        Refuses("CRC-32", archive => archive[archive.AsSpan().IndexOf(TorchFiles.Bytes(5))] ^= 1);
        Refuses("CRC-32", archive => TorchFiles.PatchDirectory(archive, "data.pkl", 16, 1, 2, 3, 4));
        Refuses("entries in", archive => archive[^12] = 200);
        Refuses("entry 0 of the zip directory", archive => archive[^6] ^= 0x40);
        Refuses("damaged", archive => archive[archive.AsSpan().IndexOf("PK\x01\x02"u8) + 3] = 9);
        Refuses("header is missing", archive => archive[BinaryPrimitives.ReadInt32LittleEndian(archive.AsSpan(DirectoryField(archive, "data/0", 42)))] = 9);

        void Refuses(string reason, Action<byte[]> damage) => TorchFileHostileTests.Refuses(path => Rewrite(path, () => TorchFiles.WriteZip(path, pickle, Storage, more: ("versioo", [])), archive =>
        {
            damage(archive);
            return archive;
        }), reason, null);

        // Both names of an entry: in its own header and in the directory.
        static void RenameToVersion(byte[] archive)
        {
            for (int at; (at = archive.AsSpan().IndexOf("versioo"u8)) >= 0;)
                archive[at + 6] = (byte)'n';
        }
    }

    [Fact]
    public void Deflated_data_that_grows_without_bound_is_refused()
    {
        byte[] pickle = new PickleBuilder().Tensor("0", 1 << 19).Stop().ToArray();
        byte[] zeros = new byte[4 << 19];
        Refuses(path => TorchFiles.WriteZip(path, pickle, new Dictionary<string, byte[]> { ["0"] = zeros }, compress: true), "MaxInflatedBytes", null);
        Refuses(path => TorchFiles.WriteZip(path, [.. new PickleBuilder().Text(new string('a', 2_000_000)).Stop().ToArray()], compress: true), "MaxInflatedBytes", null);

        // The directory says less than comes out, more than comes out, and bytes that are no deflated data.
        byte[] small = new PickleBuilder().Tensor("0", 1000).Stop().ToArray();
        Dictionary<string, byte[]> storage = new() { ["0"] = new byte[4000] };
        Refuses(path => Rewrite(path, () => TorchFiles.WriteZip(path, small, storage, compress: true), archive => Set(archive, 24, 3996)), "3996", null);
        byte[] larger = new PickleBuilder().Tensor("0", 1001).Stop().ToArray();
        Refuses(path => Rewrite(path, () => TorchFiles.WriteZip(path, larger, storage, compress: true), archive => Set(archive, 24, 4004)), "ends after 4000 of 4004", null);
        byte[] shorter = new PickleBuilder().Tensor("0", 999).Stop().ToArray();
        Refuses(path => Rewrite(path, () => TorchFiles.WriteZip(path, shorter, storage, compress: true), archive => Set(archive, 24, 3996)), "longer than the 3996", null);

        static byte[] Set(byte[] archive, int field, int value)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            TorchFiles.PatchDirectory(archive, "data/0", field, bytes);
            return archive;
        }
    }

    [Fact]
    public void Files_of_another_kind_are_named()
    {
        byte[] pickle = new PickleBuilder().Int(1).Stop().ToArray();
        Refuses(path => File.WriteAllBytes(path, []), "its 0 bytes", null);
        Refuses(path => File.WriteAllBytes(path, [0x80, 2, .. pickle]), "magic number", null);
        Refuses(path => TorchFiles.WriteZip(path, pickle, more: ("constants.pkl", [])), "TorchScript", null);
        Refuses(path =>
        {
            using System.IO.Compression.ZipArchive archive = new(File.Create(path), System.IO.Compression.ZipArchiveMode.Create);
            archive.CreateEntry("pictures/0.npy");
        }, "pictures/0.npy", null);
        byte[] tar = new byte[1024];
        "sys_info"u8.CopyTo(tar);
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Refuses(path => File.WriteAllBytes(path, tar), "tar format", null);
    }

    private static void Refuses(Action<string> write, string reason, string? entry)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("w.pth");
        write(path);
        long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
        TorchFileException error = Assert.Throws<TorchFileException>(() =>
        {
            using TorchFile file = TorchFile.Open(path, Small);
            foreach (string name in file.Entries.Keys)
                file.ReadRaw(name);
        });
        // Sixteen million characters of paths are the most that the limits leave.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 << 20);
        Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"{reason} took {Stopwatch.GetElapsedTime(start)}.");
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Equal(path, error.FilePath);
        Assert.DoesNotContain(error.Message, char.IsControl);
        if (error.RefusedName is not null && entry is not null)
            Assert.StartsWith(entry, error.Entry, StringComparison.Ordinal);
    }

    private static void Rewrite(string path, Action write, Func<byte[], byte[]> change)
    {
        write();
        File.WriteAllBytes(path, change(File.ReadAllBytes(path)));
    }

    /// <summary>Where the directory has a field of an entry.</summary>
    private static int DirectoryField(byte[] archive, string ending, int field)
    {
        for (int at = archive.AsSpan().IndexOf("PK\x01\x02"u8); ; at += 46 + BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(at + 28)) + BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(at + 30)))
        {
            if (System.Text.Encoding.UTF8.GetString(archive, at + 46, BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(at + 28))).EndsWith(ending, StringComparison.Ordinal))
                return at + field;
        }
    }

    /// <summary>Pretends that an entry is longer.</summary>
    private static void Enlarge(byte[] archive, string ending, int bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(archive.AsSpan(DirectoryField(archive, ending, 20)), bytes);
        BinaryPrimitives.WriteInt32LittleEndian(archive.AsSpan(DirectoryField(archive, ending, 24)), bytes);
    }
}
