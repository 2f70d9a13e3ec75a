using System.Diagnostics;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Whatever the bytes, a file is read or refused with a <see cref="TorchFileException"/>, soon and without much memory.</summary>
public sealed class TorchFileFuzzTests
{
    private const int Rounds = 1500;

    /// <summary>Each takes a millisecond; seconds for one of them mean a loop that the data does not bound.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TorchFileLimits Limits = new() { MaxValues = 100_000, MaxPickleBytes = 1 << 20, MaxInflatedBytes = 1 << 22 };

    /// <summary>The recorded files that are read, up to a size that leaves time for many rounds.</summary>
    public static TheoryData<string> Good
    {
        get
        {
            TheoryData<string> rows = [];
            foreach (object[] row in CheckpointFixtureTests.Files)
            {
                string path = Path.Combine(FixtureStore.Groups["ckpt"], (string)row[1]);
                if (path.EndsWith(".pth", StringComparison.Ordinal) && new FileInfo(path).Length is > 1000 and < 150_000 && IsRead(path))
                    rows.Add((string)row[1]);
            }

            return rows;
        }
    }

    [FixtureTheory, MemberData(nameof(Good))]
    public void Changed_files_are_read_or_refused(string name)
    {
        byte[] good = File.ReadAllBytes(Path.Combine(FixtureStore.Groups["ckpt"], name));
        // Checksums would end nearly every round at the pickle: without them the damage gets further.
        if (good.AsSpan().StartsWith("PK"u8))
            TorchFiles.PatchDirectory(good, "", 16, 0, 0, 0, 0);
        using TemporaryFolder folder = new();
        Random random = new(name.Length);
        int rounds = good.Length < 10_000 ? Rounds : Rounds / 10;
        for (int round = 0; round < rounds; round++)
            Try(folder.Path("w"), Change(good, random, round), $"{name}, round {round}");
    }

    [FixtureTheory, MemberData(nameof(Good))]
    public void Prefixes_are_read_or_refused(string name)
    {
        byte[] good = File.ReadAllBytes(Path.Combine(FixtureStore.Groups["ckpt"], name));
        using TemporaryFolder folder = new();
        for (int length = 0; length < good.Length; length += 1 + (good.Length / 500))
            Try(folder.Path("w"), good[..length], $"{name}, first {length} bytes");
    }

    [Fact]
    public void Random_operations_are_read_or_refused()
    {
        using TemporaryFolder folder = new();
        Random random = new(5);
        // Operations that keep a machine going: a byte that is none would end every round at once.
        byte[] operations = [.. "(.012IJKLMNQRSTUVXabcd}eghijl]opqrstu)GBCF"u8, .. Enumerable.Range(0x80, 0x19).Select(value => (byte)value)];
        for (int round = 0; round < 3 * Rounds; round++)
        {
            PickleBuilder pickle = new();
            int length = random.Next(60);
            for (int i = 0; i < length; i++)
            {
                switch (random.Next(6))
                {
                    case 0: pickle.Tensor("0", random.Next(8), random.Next(-1, 8), [random.Next(-1, 4), random.Next(4)], [random.Next(-1, 4), random.Next(4)]); break;
                    case 1: pickle.Text("key").Int(random.Next(9)); break;
                    case 2: pickle.Global("collections", "OrderedDict").Raw(")").Reduce(); break;
                    case 3: pickle.Put(random.Next(4)).Get(random.Next(4)); break;
                    default: pickle.Raw(operations[random.Next(operations.Length)]); break;
                }
            }

            TorchFiles.WriteZip(folder.Path("w"), pickle.Stop().ToArray(), new Dictionary<string, byte[]> { ["0"] = TorchFiles.Bytes(0, 1, 2, 3, 4, 5) });
            Try(folder.Path("w"), null, $"round {round}");
        }
    }

    private static byte[] Change(byte[] good, Random random, int round)
    {
        byte[] changed = (byte[])good.Clone();
        if (round % 8 == 7)
        {
            // A run of bytes at another place: whole operations and records end up where they do not belong.
            int length = random.Next(1, Math.Min(200, good.Length / 2)), from = random.Next(good.Length - length), to = random.Next(good.Length - length);
            good.AsSpan(from, length).CopyTo(changed.AsSpan(to));
            return changed;
        }

        for (int change = 0; change <= round % 4; change++)
        {
            // The structure is at both ends; the data between them says little.
            int reach = round % 2 == 0 ? good.Length : Math.Min(good.Length, 1500), place = random.Next(reach);
            changed[random.Next(2) == 0 ? place : good.Length - 1 - place] = random.Next(3) switch { 0 => 0, 1 => 0xff, _ => (byte)random.Next(256) };
        }

        return changed;
    }

    private static void Try(string path, byte[]? bytes, string what)
    {
        if (bytes is not null)
            File.WriteAllBytes(path, bytes);
        long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using TorchFile file = TorchFile.Open(path, Limits);
            foreach (TensorEntry entry in file.Entries.Values)
                Assert.Equal(entry.Length, file.ReadRaw(entry.Name).Length);
        }
        catch (TorchFileException error)
        {
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        }
        catch (Exception error)
        {
            Assert.Fail($"{what}: {error}");
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"{what} took {Stopwatch.GetElapsedTime(start)}.");
        // Tensors that repeat elements may show 64 MiB and sixteen times the file; the rest is small.
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 200 << 20, $"{what} took {GC.GetAllocatedBytesForCurrentThread() - before} bytes.");
    }

    private static bool IsRead(string path)
    {
        try
        {
            TorchFile.Open(path).Dispose();
            return true;
        }
        catch (TorchFileException)
        {
            return false;
        }
    }
}
