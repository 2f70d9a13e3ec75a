using System.Globalization;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>
/// A picture set drawn by program: ten kinds of pattern under strong nuisance (position, scale, turn, shear, colours of both
/// surfaces, gradients, clouds, clutter, noise). Pixels say little about the class, local structure says everything.
/// </summary>
/// <remarks>A picture is a pure function of class, key and size, identical bit for bit on every machine (see <c>Distances</c>).</remarks>
public static class DrawnPictures
{
    /// <summary>Side of a picture unless asked otherwise.</summary>
    public const int DefaultSize = 48;

    // Samples per pixel and axis; each sample already has a soft edge of its own width.
    private const int Samples = 2;

    /// <summary>Folder names of the classes, by label.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = [.. Enum.GetNames<DrawnClass>().Select(name => name.ToLowerInvariant())];

    /// <summary>Draws one picture.</summary>
    /// <param name="class">Label, 0 to 9: an index into <see cref="ClassNames"/>.</param>
    /// <param name="key">Names the picture; another key draws another picture of the class.</param>
    /// <param name="size">Side in pixels, at least 8.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such class, or the picture is too small.</exception>
    public static Image Draw(int @class, RandomKey key, int size = DefaultSize)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)@class, (uint)ClassNames.Count, nameof(@class));
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        CounterRandom random = new(key);
        PictureScene scene = new((DrawnClass)@class, ref random);
        Image image = new(size, size);
        double step = 1.0 / (size * Samples);
        for (int y = 0; y < size; y++)
        {
            Span<byte> row = image.Row(y);
            for (int x = 0; x < size; x++)
            {
                (double r, double g, double b) = (0, 0, 0);
                for (int sample = 0; sample < Samples * Samples; sample++)
                {
                    double u = ((x * Samples) + (sample % Samples) + 0.5) * step, v = ((y * Samples) + (sample / Samples) + 0.5) * step;
                    Colour colour = scene.At(u, v, softness: step);
                    (r, g, b) = (r + colour.R, g + colour.G, b + colour.B);
                }

                double shared = random.NextDouble(-scene.Noise, scene.Noise);
                row[(3 * x) + 0] = ToByte((r / (Samples * Samples)) + shared + random.NextDouble(-scene.Noise, scene.Noise));
                row[(3 * x) + 1] = ToByte((g / (Samples * Samples)) + shared + random.NextDouble(-scene.Noise, scene.Noise));
                row[(3 * x) + 2] = ToByte((b / (Samples * Samples)) + shared + random.NextDouble(-scene.Noise, scene.Noise));
            }
        }

        return image;
    }

    /// <summary>Writes a picture set as PNG files: <c>train/&lt;class&gt;/&lt;number&gt;.png</c> and <c>test/...</c>, the layout that image-folder loaders read.</summary>
    /// <param name="folder">Created if missing; pictures of the same name are replaced.</param>
    /// <param name="trainPerClass">Training pictures of each class.</param>
    /// <param name="testPerClass">Test pictures of each class, disjoint from the training pictures.</param>
    /// <param name="seed">Another seed gives other pictures. The first n pictures do not depend on how many follow.</param>
    /// <param name="size">Side in pixels, at least 8.</param>
    /// <param name="progress">Told the number of pictures written so far.</param>
    /// <param name="cancellationToken">Stops between two pictures.</param>
    public static void WriteTo(string folder, int trainPerClass, int testPerClass, ulong seed, int size = DefaultSize, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(trainPerClass);
        ArgumentOutOfRangeException.ThrowIfNegative(testPerClass);
        int written = 0;
        foreach ((bool test, int count) in ((bool, int)[])[(false, trainPerClass), (true, testPerClass)])
        {
            for (int label = 0; label < ClassNames.Count; label++)
            {
                string target = Path.Combine(folder, test ? "test" : "train", ClassNames[label]);
                Directory.CreateDirectory(target);
                for (int i = 0; i < count; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    string name = string.Create(CultureInfo.InvariantCulture, $"{i:0000}.png");
                    PngEncoder.Save(Draw(label, KeyOf(seed, test, label, i), size), Path.Combine(target, name));
                    progress?.Report(++written);
                }
            }
        }
    }

    /// <summary>The key of picture <paramref name="index"/> of a class in the set that <see cref="WriteTo"/> writes.</summary>
    public static RandomKey KeyOf(ulong seed, bool test, int @class, int index) => new(seed, test ? 1u : 0u, (uint)index, (uint)@class);

    private static byte ToByte(double value) => (byte)((Math.Clamp(value, 0, 1) * 255) + 0.5);
}
