using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Tensors;
using Dino.Tests.Samples;

namespace Dino.Tests;

/// <summary>What the README files of the packages show is compiled, and does what they say.</summary>
public sealed class PackageReadmeTests
{
    public static TheoryData<string> Packages => [.. Document.Regions("PackageExamples.cs").Select(region => region.Name)];

    [Theory, MemberData(nameof(Packages))]
    public void The_readme_of_a_package_shows_the_code_that_is_compiled_here(string package) =>
        Assert.Equal([Document.Regions("PackageExamples.cs").Single(region => region.Name == package).Code], Document.CodeBlocks($"{package}/README.md"));

    [Fact]
    public void The_tensor_example_gives_the_gradient_of_a_cube() => Assert.Equal([3f, 12, 27], PackageExamples.Gradient([1, 2, 3]));

    [Fact]
    public void The_imaging_example_writes_a_small_picture_of_the_same_shape()
    {
        using TemporaryFolder folder = new();
        PngEncoder.Save(new Image(60, 40), folder.Path("photo.png"));
        PackageExamples.Thumbnail(folder.Path("photo.png"), folder.Path("small.png"), shortSide: 20);
        Image small = ImageFile.Decode(folder.Path("small.png"));
        Assert.Equal((30, 20), (small.Width, small.Height));
    }

    [Fact]
    public void The_network_example_gives_one_row_a_picture() => Assert.Equal([1, 192], PackageExamples.Features(new float[3 * 64 * 64]));

    [Fact]
    public void The_embedding_example_finds_a_picture_like_itself()
    {
        using TemporaryFolder folder = new();
        PngEncoder.Save(new Image(60, 40), folder.Path("photo.png"));
        string weights = RunningGallery.SaveWeights(folder.Path("weights.safetensors"));
        // A sum of 24 products of numbers rounded to 24 bits.
        Assert.Equal(1, PackageExamples.Cosine(weights, folder.Path("photo.png"), folder.Path("photo.png")), 1e-5f);
    }

    [Fact]
    public void The_device_example_gives_a_device_on_every_machine()
    {
        using Device device = PackageExamples.BestDevice();
        using Scope scope = device.OpenScope();
        Assert.Equal(2, scope.Full([1], 2).Item());
    }
}
