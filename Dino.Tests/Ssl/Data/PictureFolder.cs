using Dino.Imaging;
using Dino.Imaging.Png;

namespace Dino.Tests.Ssl.Data;

/// <summary>A temporary folder of small PNG pictures.</summary>
internal sealed class PictureFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("dino-pictures-").FullName;

    /// <summary>Two classes of distinct pictures, <paramref name="count"/> in all.</summary>
    public static PictureFolder TwoClasses(int count, int width = 20, int height = 16)
    {
        PictureFolder folder = new();
        for (int i = 0; i < count; i++)
            folder.AddPng($"{(i < count / 2 ? "cat" : "dog")}/{i:d3}.png", width, height, i);
        return folder;
    }

    public string AddPng(string name, int width, int height, int seed) => AddBytes(name, Png(width, height, seed));

    public string AddBytes(string name, byte[] bytes)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>A picture of noise.</summary>
    public static byte[] Png(int width, int height, int seed)
    {
        Image image = new(width, height);
        new Random(seed).NextBytes(image.Pixels);
        using MemoryStream png = new();
        PngEncoder.Encode(image, png);
        return png.ToArray();
    }
}
