using Dino.Ssl.Data;

namespace Dino.Tests.Ssl.Data;

public sealed class ImageFolderTests
{
    [Fact]
    public void Classes_are_sorted_sub_folders_searched_at_any_depth()
    {
        using PictureFolder files = new();
        foreach (string name in new[] { "b/2.jpeg", "b/10.JPG", "a/deep/er/x.PNG", "a/y.png", "C/z.jpg", "a/notes.txt", ".cache/t.png", "a/.hidden.png", "masks/m.tif", "beside.png" })
            files.AddBytes(name, [0]);
        ImageFolder folder = ImageFolder.Open(files.Path);
        Assert.Equal(["C", "a", "b"], folder.Classes);
        Assert.Equal(
            ["C/z.jpg 0", "a/deep/er/x.PNG 1", "a/y.png 1", "b/10.JPG 2", "b/2.jpeg 2"],
            folder.Samples.Select(sample => $"{Path.GetRelativePath(files.Path, sample.Path).Replace('\\', '/')} {sample.Class}"));
    }

    [Fact]
    public void A_flat_folder_has_no_classes()
    {
        using PictureFolder files = new();
        files.AddBytes("2.png", [0]);
        files.AddBytes("1.jpg", [0]);
        Directory.CreateDirectory(Path.Combine(files.Path, "empty"));
        ImageFolder folder = ImageFolder.Open(files.Path);
        Assert.Empty(folder.Classes);
        Assert.Equal(["1.jpg", "2.png"], folder.Samples.Select(sample => Path.GetFileName(sample.Path)));
        Assert.All(folder.Samples, sample => Assert.Equal(-1, sample.Class));
    }

    [Fact]
    public void A_folder_without_pictures_says_what_it_holds_and_what_to_do()
    {
        using PictureFolder files = new();
        Assert.Contains("It is empty", Assert.Throws<InvalidDataException>(() => ImageFolder.Open(files.Path)).Message, StringComparison.Ordinal);
        files.AddBytes("a/1.webp", [0]);
        files.AddBytes("a/2.webp", [0]);
        string message = Assert.Throws<InvalidDataException>(() => ImageFolder.Open(files.Path)).Message;
        Assert.Contains("2 .webp", message, StringComparison.Ordinal);
        Assert.Contains("one sub-folder", message, StringComparison.Ordinal);
        Assert.Equal(2, ImageFolder.Open(files.Path, [".WebP"]).Count);
    }

    [Fact]
    public void A_missing_folder_and_a_file_are_told_apart()
    {
        using PictureFolder files = new();
        string file = files.AddBytes("a.png", [0]);
        Assert.Contains("There is no folder", Assert.Throws<DirectoryNotFoundException>(() => ImageFolder.Open(Path.Combine(files.Path, "nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<DirectoryNotFoundException>(() => ImageFolder.Open(file)).Message, StringComparison.Ordinal);
    }
}
