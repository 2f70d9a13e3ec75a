using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;

namespace Dino.Tests.Ssl.Retrieval;

/// <summary>A folder of drawn pictures, to which copies of some can be added.</summary>
internal sealed class PlantedPictures : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Pictures of all classes in turn: 0.png, 1.png, ...</summary>
    public PlantedPictures(int count, int size = 48)
    {
        for (int i = 0; i < count; i++)
            Save($"{i}.png", Draw(i, size));
    }

    public string Root => _folder.Root;

    public ImageFolder Folder => ImageFolder.OpenTree(Root);

    public string Path(params string[] parts) => _folder.Path(parts);

    public static Image Draw(int number, int size = 48) => DrawnPictures.Draw(number % DrawnPictures.ClassNames.Count, DrawnPictures.KeyOf(21, test: false, number % DrawnPictures.ClassNames.Count, number), size);

    public void Save(string name, Image image)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path(name))!);
        PngEncoder.Save(image, Path(name));
    }

    public Image Load(string name) => ImageFile.Decode(Path(name));

    /// <summary>What an encoder of low quality does to pixels: each is off by up to some grey levels.</summary>
    public static Image Coarsened(Image image, int levels)
    {
        Random random = new(5);
        return new Image(image.Width, image.Height, [.. image.Pixels.Select(value => (byte)Math.Clamp(value + random.Next(-levels, levels + 1), 0, 255))]);
    }

    public static Image Cropped(Image image, int left, int top, int right, int bottom)
    {
        PlanarImage result = new();
        result.CopyFrom(image, new PixelBox(left, top, image.Width - left - right, image.Height - top - bottom));
        return result.ToImage();
    }

    public void Dispose() => _folder.Dispose();
}
