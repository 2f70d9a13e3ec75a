using Dino.Tensors.Formats;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Matrices that are written row by row.</summary>
public sealed class MatrixFileTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("rows")]
    public void Rows_come_in_any_order_and_the_file_is_valid_at_any_time(string? name)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("matrix");
        using (MatrixFile file = MatrixFile.Create(path, 4, 3, name))
        {
            file.Write(2, [7, 8, 9]);
            file.Write(0, [0, 0, 3]);
        }

        AssertValues([0, 0, 3, 0, 0, 0, 7, 8, 9, 0, 0, 0]);
        using (MatrixFile file = MatrixFile.Open(path, 4, 3, name, isWritten: true))
        {
            Assert.Throws<IOException>(() => MatrixFile.Open(path, 4, 3, name));
            file.Write(1, [4, 5, 6, 1, 1, 1]);
            float[] two = new float[6];
            file.Read(1, two);
            Assert.Equal([4, 5, 6, 1, 1, 1], two);
            Assert.Throws<ArgumentException>(() => file.Write(3, two));
            Assert.Throws<ArgumentException>(() => file.Write(0, two.AsSpan(1)));
        }

        AssertValues([0, 0, 3, 4, 5, 6, 1, 1, 1, 0, 0, 0]);

        void AssertValues(float[] expected)
        {
            using SafetensorsFile? tensors = name is null ? null : SafetensorsFile.Open(path);
            Assert.Equal(expected, tensors is null ? NpyArray.Load(path).ToArray<float>() : tensors.ReadSingles(name!));
            Assert.Equal(tensors is null ? [4, 3] : [], tensors is null ? NpyArray.Load(path).Shape : []);
        }
    }

    [Fact]
    public void Another_matrix_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("matrix.npy");
        MatrixFile.Create(path, 4, 3).Dispose();
        Assert.Contains("[3, 4] matrix", Assert.Throws<InvalidDataException>(() => MatrixFile.Open(path, 3, 4)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => MatrixFile.Open(path, 4, 3, "name"));
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(file.Length - 1);
        Assert.Throws<InvalidDataException>(() => MatrixFile.Open(path, 4, 3));
    }

    [Fact]
    public void A_tensor_of_any_safetensors_file_is_read_where_it_is()
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("several.safetensors");
        SafetensorsWriter writer = new();
        writer.AddRaw("before", "I64", [1], () => new byte[8]);
        writer.AddStreamed("rows", "F32", [2, 3], stream =>
        {
            stream.Write(TorchFiles.Bytes(1, 2, 3));
            stream.Write(TorchFiles.Bytes(4, 5, 6));
        });
        writer.Add("vector", [2], new float[2]);
        writer.Save(path);
        float[] row = new float[3];
        using (MatrixFile file = MatrixFile.OpenTensor(path, "rows"))
        {
            file.Read(1, row);
            Assert.Equal((2, 3), (file.Rows, file.Columns));
        }

        Assert.Equal([4, 5, 6], row);
        foreach (string name in (string[])["before", "vector"])
            Assert.Contains($"'{name}'", Assert.Throws<InvalidDataException>(() => MatrixFile.OpenTensor(path, name)).Message, StringComparison.Ordinal);
        writer.AddStreamed("short", "F32", [2], stream => stream.Write(new byte[4]));
        Assert.Contains("takes 8 bytes and gave 4", Assert.Throws<InvalidOperationException>(() => writer.Save(path)).Message, StringComparison.Ordinal);
    }
}
