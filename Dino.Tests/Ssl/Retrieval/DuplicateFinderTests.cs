using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Retrieval;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Retrieval;

/// <summary>Copies that were planted are found, and nothing else is.</summary>
public class DuplicateFinderTests
{
    private const int Count = 40;

    [Fact]
    public void Distinct_pictures_are_no_copies_of_one_another()
    {
        using PlantedPictures pictures = new(Count);
        DuplicateReport report = DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder);
        Assert.Equal(Count, report.Count);
        Assert.Empty(report.Groups);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Resized_coarsened_and_cropped_copies_are_found_the_largest_first(bool withFeatures)
    {
        using PlantedPictures pictures = new(Count, size: 96);
        Dictionary<int, string[]> planted = [];
        for (int i = 0; i < Count; i += 4)
        {
            Image original = pictures.Load($"{i}.png");
            (string Name, Image Image)[] copies =
            [
                ("half", Resampler.Resize(original, 48, 48)),
                ("quarter", Resampler.Resize(original, 24, 24, ResizeFilter.Lanczos)),
                ("larger", Resampler.Resize(original, 150, 150, ResizeFilter.Bilinear)),
                ("coarse", PlantedPictures.Coarsened(original, 12)),
                ("squeezed", Resampler.Resize(original, 60, 90)),
            ];
            foreach ((string name, Image copy) in copies)
                pictures.Save($"copies/{i}-{name}.png", copy);
            planted[i] = [.. copies.Select(copy => $"copies/{i}-{copy.Name}.png").Append($"{i}.png")];
        }

        // Features that say nothing: pixels must be enough, and decide.
        ImageFolder folder = pictures.Folder;
        FeatureSet noise = new([.. Enumerable.Range(0, folder.Count * 8).Select(i => MathF.Sin(i * i))], 8, new int[folder.Count], [.. folder.Samples.Select(sample => sample.Path)], [], []);
        DuplicateReport report = DuplicateFinder.Find(CpuDevice.Shared, folder, features: withFeatures ? noise : null);

        Assert.Equal(planted.Count, report.Groups.Count);
        foreach (IReadOnlyList<DuplicatePicture> group in report.Groups)
        {
            string[] names = [.. group.Select(picture => Path.GetRelativePath(pictures.Root, picture.Path).Replace('\\', '/'))];
            int original = int.Parse(names[0].Split('/')[1].Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal($"copies/{original}-larger.png", names[0]);
            Assert.Equal((150, 150, 1.0), (group[0].Width, group[0].Height, group[0].Similarity));
            Assert.Equal(planted[original].Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
            Assert.All(group, picture => Assert.InRange(picture.Similarity, 0.75, 1));
        }

        Assert.Equal(5 * planted.Count, report.Copies.Count());
    }

    [Fact]
    public void Slight_crops_are_found_unless_they_are_not_wanted()
    {
        using PlantedPictures pictures = new(Count, size: 128);
        (int L, int T, int R, int B)[] margins = [(5, 0, 0, 0), (4, 6, 3, 5), (0, 9, 0, 2), (8, 0, 1, 7)];
        foreach ((int i, (int l, int t, int r, int b)) in margins.Index())
            pictures.Save($"crop-{i}.png", PlantedPictures.Cropped(pictures.Load($"{i}.png"), l, t, r, b));
        DuplicateReport report = DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder);
        Assert.Equal(margins.Index().Select(margin => (pictures.Path($"{margin.Index}.png"), pictures.Path($"crop-{margin.Index}.png"))), report.Groups.Select(group => (group[0].Path, Assert.Single(group.Skip(1)).Path)));
        Assert.Contains(report.Copies, copy => copy.IsCrop);
        Assert.DoesNotContain(DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder, new DuplicateOptions { Crops = false }).Copies, copy => copy.IsCrop);
    }

    [Fact]
    public void A_picture_that_differs_in_one_place_is_another_picture()
    {
        using PlantedPictures pictures = new(10, size: 96);
        Image changed = pictures.Load("3.png");
        for (int y = 20; y < 44; y++)
            changed.Row(y).Slice(3 * 50, 3 * 24).Reverse();
        for (int y = 20; y < 44; y++)
            changed.Row(y).Slice(3 * 50, 3 * 24).Fill((byte)(8 * (y - 20)));
        pictures.Save("changed.png", changed);
        Assert.Empty(DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder).Groups);
    }

    [Fact]
    public void More_copies_than_candidates_come_together_whatever_the_threads()
    {
        using PlantedPictures pictures = new(12);
        Image original = pictures.Load("5.png");
        for (int side = 30; side < 48; side++)
            pictures.Save($"copy-{side}.png", Resampler.Resize(original, side, side));
        DuplicateOptions options = new() { Candidates = 3 };
        DuplicateReport[] reports = [.. new[] { 1, 2 }.Select(threads =>
        {
            using CpuDevice device = new(threads);
            return DuplicateFinder.Find(device, pictures.Folder, options);
        })];
        Assert.Equal(19, Assert.Single(reports[0].Groups).Count);
        Assert.Equal(pictures.Path("5.png"), reports[0].Groups[0][0].Path);
        Assert.Equal(reports[0].Groups[0], reports[1].Groups[0]);
    }

    [Fact]
    public void Plain_pictures_are_told_apart_by_their_colour()
    {
        using PlantedPictures pictures = new(0);
        foreach ((int i, byte shade) in new byte[] { 0, 255, 100, 100, 130 }.Index())
        {
            Image plain = new(40, 30);
            plain.Pixels.AsSpan().Fill(shade);
            pictures.Save($"{i}.png", plain);
        }

        IReadOnlyList<DuplicatePicture> group = Assert.Single(DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder).Groups);
        Assert.Equal([pictures.Path("2.png"), pictures.Path("3.png")], group.Select(picture => picture.Path));
    }

    [Fact]
    public void Unusable_files_are_named_and_options_checked()
    {
        using PlantedPictures pictures = new(3);
        File.WriteAllText(pictures.Path("bad.png"), "no picture");
        DuplicateReport report = DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder);
        Assert.Equal((3, pictures.Path("bad.png")), (report.Count, Assert.Single(report.Skipped).Path));
        Assert.Throws<ArgumentException>(() => DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder, new DuplicateOptions { Threshold = 0 }));
        Assert.Throws<ArgumentException>(() => DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder, new DuplicateOptions { Candidates = 0 }));
        Assert.Throws<OperationCanceledException>(() => DuplicateFinder.Find(CpuDevice.Shared, pictures.Folder, cancellationToken: new CancellationToken(true)));
    }
}
