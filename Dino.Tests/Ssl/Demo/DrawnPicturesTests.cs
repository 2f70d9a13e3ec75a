using System.Security.Cryptography;
using Dino.Imaging;
using Dino.Ssl.Demo;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Demo;

public sealed class DrawnPicturesTests
{
    // One digest for all machines and vector widths: only exact IEEE operations are used (see Distances).
    [Fact]
    public void Pictures_are_the_same_on_every_machine()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int label = 0; label < DrawnPictures.ClassNames.Count; label++)
        {
            foreach (int size in (int[])[8, 33, 48])
                hash.AppendData(DrawnPictures.Draw(label, DrawnPictures.KeyOf(1, test: false, label, 5), size).Pixels);
        }

        Assert.Equal("7A7B83938B1987A4AB7D792C890088C3", Convert.ToHexString(hash.GetHashAndReset())[..32]);
    }

    [Fact]
    public void Every_key_and_class_gives_another_picture()
    {
        HashSet<string> seen = [];
        for (int label = 0; label < 10; label++)
        {
            for (int i = 0; i < 4; i++)
            {
                Assert.True(seen.Add(Convert.ToHexString(DrawnPictures.Draw(label, DrawnPictures.KeyOf(1, false, label, i)).Pixels)));
                Assert.True(seen.Add(Convert.ToHexString(DrawnPictures.Draw(label, DrawnPictures.KeyOf(1, true, label, i)).Pixels)));
            }
        }

        Assert.True(seen.Add(Convert.ToHexString(DrawnPictures.Draw(0, DrawnPictures.KeyOf(2, false, 0, 0)).Pixels)));
    }

    // A class must not show in the pixels themselves: the demonstration is about what training adds. 1200 / 400 pictures,
    // 20 neighbours, T = 0.07: measured 30.5 %. Chance is 10 %; the standard error of 400 pictures is about 2 points.
    [Fact]
    public void Raw_pixels_are_poor_features()
    {
        const int train = 120, test = 40;
        (float[] Features, int Label)[] memory = Set(test: false, train), queries = Set(test: true, test);
        int right = queries.AsParallel().Count(query => Vote(memory, query.Features) == query.Label);
        double accuracy = 100.0 * right / queries.Length;
        Assert.InRange(accuracy, 20, 36);
    }

    [Fact]
    public void A_set_is_written_as_an_image_folder_of_readable_files()
    {
        using TemporaryFolder folder = new();
        List<int> reports = [];
        DrawnPictures.WriteTo(folder.Root, trainPerClass: 2, testPerClass: 1, seed: 9, size: 24, new Direct(reports.Add));
        Assert.Equal(30, Directory.GetFiles(folder.Root, "*.png", SearchOption.AllDirectories).Length);
        Assert.Equal(Enumerable.Range(1, 30), reports);
        Assert.Equal(DrawnPictures.ClassNames.Order(StringComparer.Ordinal), Directory.GetDirectories(folder.Path("train")).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Image read = ImageFile.Decode(folder.Path("test", "stars", "0000.png"));
        int stars = DrawnPictures.ClassNames.ToList().IndexOf("stars");
        Assert.Equal(DrawnPictures.Draw(stars, DrawnPictures.KeyOf(9, test: true, stars, 0), 24).Pixels, read.Pixels);
    }

    [Fact]
    public void Writing_stops_when_asked()
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => DrawnPictures.WriteTo(folder.Root, 5, 5, 1, 16, new Direct(_ => source.Cancel()), source.Token));
        Assert.Single(Directory.GetFiles(folder.Root, "*.png", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_class_or_size_that_does_not_exist_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => DrawnPictures.Draw(10, new RandomKey(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => DrawnPictures.Draw(-1, new RandomKey(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => DrawnPictures.Draw(0, new RandomKey(1), 7));
    }

    private static (float[] Features, int Label)[] Set(bool test, int perClass) =>
        [.. Enumerable.Range(0, 10 * perClass).AsParallel().AsOrdered().Select(i => (Features(DrawnPictures.Draw(i / perClass, DrawnPictures.KeyOf(7, test, i / perClass, i % perClass))), i / perClass))];

    /// <summary>Pixels with ImageNet's mean and deviation removed, scaled to unit length.</summary>
    private static float[] Features(Image image)
    {
        float[] mean = [0.485f, 0.456f, 0.406f], deviation = [0.229f, 0.224f, 0.225f];
        float[] features = new float[image.Pixels.Length];
        for (int i = 0; i < features.Length; i++)
            features[i] = ((image.Pixels[i] / 255f) - mean[i % 3]) / deviation[i % 3];
        float length = MathF.Sqrt(System.Numerics.Tensors.TensorPrimitives.SumOfSquares<float>(features));
        return Array.ConvertAll(features, value => value / length);
    }

    private static int Vote((float[] Features, int Label)[] memory, float[] query)
    {
        double[] votes = new double[10];
        foreach ((double similarity, int label) in memory.Select(item => ((double)System.Numerics.Tensors.TensorPrimitives.Dot<float>(item.Features, query), item.Label)).OrderByDescending(pair => pair.Item1).Take(20))
            votes[label] += Math.Exp(similarity / 0.07);
        return Array.IndexOf(votes, votes.Max());
    }

    /// <summary>Progress without a detour over a synchronization context.</summary>
    private sealed class Direct(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
