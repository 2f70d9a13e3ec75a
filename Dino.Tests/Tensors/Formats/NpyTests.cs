using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

public sealed class NpyTests
{
    [Fact]
    public void Every_element_type_survives_a_round_trip()
    {
        RoundTrip<float>([1.5f, float.NaN, -0f, float.MaxValue], "<f4");
        RoundTrip<double>([Math.PI, double.NegativeInfinity, 1e-300, 0], "<f8");
        RoundTrip<Half>([(Half)1, Half.MaxValue, (Half)(-2), Half.NaN], "<f2");
        RoundTrip<int>([int.MinValue, 0, 1, int.MaxValue], "<i4");
        RoundTrip<long>([long.MinValue, 0, 1, long.MaxValue], "<i8");
        RoundTrip<byte>([0, 1, 127, 255], "|u1");
        RoundTrip<bool>([true, false, true, true], "|b1");
    }

    // The bytes that numpy.save gives for numpy.arange(6, dtype="f4").reshape(2, 3).
    [Fact]
    public void The_file_is_the_one_that_NumPy_writes()
    {
        using MemoryStream stream = new();
        NpyArray.Create<float>([0, 1, 2, 3, 4, 5], 2, 3).Write(stream);
        string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        byte[] expected = [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(text.PadRight(117)), (byte)'\n', .. MemoryMarshal.AsBytes<float>([0, 1, 2, 3, 4, 5])];
        Assert.Equal(expected, stream.ToArray());
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void All_three_versions_are_read(int version)
    {
        NpyArray array = Read(version, "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", MemoryMarshal.AsBytes<int>([1, 2, 3]).ToArray());
        Assert.Equal([3], array.Shape);
        Assert.Equal([1, 2, 3], array.ToArray<int>());
        Assert.Equal([1f, 2f, 3f], array.ToSingles());
    }

    [Fact]
    public void Fortran_order_is_turned_into_rows()
    {
        // Element (i, j, k) of a [2, 3, 4] array is 100 i + 10 j + k, stored with i fastest.
        int[] stored = new int[24], wanted = new int[24];
        for (int i = 0; i < 2; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                for (int k = 0; k < 4; k++)
                    stored[i + (2 * j) + (6 * k)] = wanted[(12 * i) + (4 * j) + k] = (100 * i) + (10 * j) + k;
            }
        }

        NpyArray array = Read(1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 4), }", MemoryMarshal.AsBytes(stored.AsSpan()).ToArray());
        Assert.Equal(wanted, array.ToArray<int>());
    }

    [Theory]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", 1)]
    [InlineData("{'shape': (1, 1), 'fortran_order': False, 'descr': '|u1'}", 1)]
    [InlineData("{\"descr\":\"|u1\",\"fortran_order\":False,\"shape\":(1L,)}  \n", 1)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", 0)]
    public void Header_variants_are_read(string header, int bytes) => Assert.Equal(bytes, Read(1, header, new byte[bytes]).Count);

    [Theory]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (500000000,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647, 2147483647), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }")]
    [InlineData("{'descr': '<f4', 'shape': (1,), }")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } evil()")]
    [InlineData("{'descr': '<f4")]
    [InlineData("__import__('os')")]
    [InlineData("")]
    public void A_malformed_header_or_short_data_is_refused(string header) =>
        Assert.Throws<InvalidDataException>(() => Read(1, header, new byte[4]));

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using MemoryStream stream = new();
        NpyArray.Create<float>([1, 2], 2).Write(stream);
        byte[] whole = stream.ToArray();
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<InvalidDataException>(() => NpyArray.Read(new MemoryStream(whole, 0, length)));
    }

    [Fact]
    public void Shape_and_type_are_checked()
    {
        Assert.Throws<ShapeMismatchException>(() => NpyArray.Create<float>([1, 2, 3], 2, 2));
        Assert.Throws<NotSupportedException>(() => NpyArray.Create<char>(['a'], 1));
        Assert.Throws<InvalidOperationException>(() => NpyArray.Create<float>([1], 1).ToArray<int>());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void An_archive_survives_a_round_trip(bool compress)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("arrays.npz");
        NpzFile.Save(path, [new("features", NpyArray.Create<float>([1, 2, 3, 4], 2, 2)), new("labels", NpyArray.Create<long>([7, 8], 2))], compress);
        IReadOnlyDictionary<string, NpyArray> arrays = NpzFile.Load(path);
        Assert.Equal(["features", "labels"], arrays.Keys.Order());
        Assert.Equal([1f, 2f, 3f, 4f], arrays["features"].ToSingles());
        Assert.Equal([7L, 8L], arrays["labels"].ToArray<long>());
        Assert.Single(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_damaged_archive_names_its_entry()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("bad.npz");
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using Stream stream = archive.CreateEntry("weights.npy").Open();
            stream.Write("junk"u8);
        }

        Assert.Contains("weights.npy", Assert.Throws<InvalidDataException>(() => NpzFile.Load(path)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "not a zip");
        Assert.Throws<InvalidDataException>(() => NpzFile.Load(path));
    }

    private static void RoundTrip<T>(T[] values, string type) where T : unmanaged
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("array.npy");
        NpyArray.Create<T>(values, 2, 2).Save(path);
        NpyArray read = NpyArray.Load(path);
        Assert.Equal(type, read.Type);
        Assert.Equal([2, 2], read.Shape);
        Assert.Equal(values, read.ToArray<T>());
    }

    private static NpyArray Read(int version, string header, byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return NpyArray.Read(new MemoryStream([0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. text, .. data]));
    }
}
