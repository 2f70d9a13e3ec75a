using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Plots;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>What the CLS token of a block looks at, for each head.</summary>
public sealed class AttentionMap
{
    /// <summary>Small pictures are enlarged to about this many pixels on a sheet.</summary>
    private const int ReadableSide = 160;

    private readonly float[] _heads;

    /// <summary>Maps from attention weights.</summary>
    /// <param name="heads">[heads, rows · columns]: the CLS row of each head without its first entries (CLS itself, registers).</param>
    /// <param name="rows">Patches in a column of the picture.</param>
    /// <param name="columns">Patches in a row of the picture.</param>
    public AttentionMap(float[] heads, int rows, int columns)
    {
        if (rows < 1 || columns < 1 || heads.Length == 0 || heads.Length % (rows * columns) != 0)
            throw new ArgumentException($"{heads.Length} attention weights do not make maps of {rows} x {columns}.", nameof(heads));
        (_heads, Rows, Columns) = (heads, rows, columns);
    }

    /// <summary>Number of heads.</summary>
    public int Heads => _heads.Length / (Rows * Columns);

    /// <summary>Patches in a column of the picture.</summary>
    public int Rows { get; }

    /// <summary>Patches in a row of the picture.</summary>
    public int Columns { get; }

    /// <summary>Computes the maps of a picture.</summary>
    /// <param name="model">Backbone and normalisation.</param>
    /// <param name="pixels">Normalised pixels [C, height, width].</param>
    /// <param name="height">Pixels; what exceeds a multiple of the patch size is not seen.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="block">Index of the block; the last one if null.</param>
    /// <exception cref="ArgumentException">The backbone is no vision transformer, or has no such block.</exception>
    public static AttentionMap Of(LoadedModel model, ReadOnlySpan<float> pixels, int height, int width, int? block = null)
    {
        VisionTransformer network = Transformer(model);
        int patch = network.Options.PatchSize, rows = height / patch, columns = width / patch, count = rows * columns;
        using Scope scope = model.Device.OpenScope(GradMode.Off);
        Tensor maps = network.SelfAttention(scope.Upload(pixels, [1, network.Options.Channels, height, width]), block ?? (network.Options.Depth - 1));
        return new AttentionMap(maps.Slice(2, 0, 1).Slice(3, 1 + network.Options.Registers).Reshape(maps.Shape[1], count).ToArray(), rows, columns);
    }

    /// <summary>Computes the maps of a picture file's pixels at any size, also not square.</summary>
    /// <param name="model">Backbone and normalisation.</param>
    /// <param name="image">The picture.</param>
    /// <param name="shortSide">Its short side is resized to this (bilinear, keeping the proportions).</param>
    /// <param name="seen">What the network saw: resized, and cut on the right and at the bottom to whole patches.</param>
    /// <param name="block">Index of the block; the last one if null.</param>
    public static AttentionMap Of(LoadedModel model, Image image, int shortSide, out Image seen, int? block = null)
    {
        Transformer(model);
        WholePatches whole = WholePatches.Of(model, image, shortSide);
        seen = whole.Seen;
        return Of(model, whole.Pixels, seen.Height, seen.Width, block);
    }

    /// <summary>Attention of one head [rows · columns].</summary>
    public ReadOnlySpan<float> Head(int head) => _heads.AsSpan(head * Rows * Columns, Rows * Columns);

    /// <summary>Mean over the heads [rows · columns].</summary>
    public float[] Mean()
    {
        float[] mean = new float[Rows * Columns];
        for (int i = 0; i < _heads.Length; i++)
            mean[i % mean.Length] += _heads[i] / Heads;
        return mean;
    }

    /// <summary>The patches that together hold a share of the attention, strongest first.</summary>
    /// <param name="values">Attention of each patch.</param>
    /// <param name="share">Share of the mass to keep, 0.6 in the paper's pictures.</param>
    /// <remarks>As in the official visualisation: sort rising, normalise, keep where the cumulative mass exceeds 1 - share.</remarks>
    public static bool[] Mask(ReadOnlySpan<float> values, double share = 0.6)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        float[] sorted = values.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        double total = 0, cumulative = 0;
        foreach (float value in sorted)
            total += value;
        bool[] mask = new bool[sorted.Length];
        for (int i = 0; i < sorted.Length; i++)
        {
            cumulative += sorted[i] / total;
            mask[order[i]] = cumulative > 1 - share;
        }

        return mask;
    }

    /// <summary>One picture of everything: the input, the mean over heads, each head, and each head's mask over the input.</summary>
    /// <param name="picture">The picture the network saw, before normalisation.</param>
    /// <param name="share">Share of the attention that the masks keep.</param>
    public Image Sheet(Image picture, double share = 0.6)
    {
        List<Image> images = [picture, Overlay.Heat(picture, Mean(), Rows, Columns)];
        List<string> captions = ["input", "mean"];
        for (int head = 0; head < Heads; head++)
        {
            images.Add(HeatMap.Render(Head(head), Rows, Columns, picture.Width, picture.Height));
            captions.Add($"head {head}");
        }

        for (int head = 0; head < Heads; head++)
        {
            images.Add(Overlay.Mask(picture, Mask(Head(head), share), Rows, Columns, (255, 60, 60)));
            captions.Add($"mask {head}");
        }

        // Input and mean above, then a row of heads and a row of their masks.
        int columns = Math.Max(2, Heads);
        Image blank = new(1, 1, [255, 255, 255]);
        images.InsertRange(2, Enumerable.Repeat(blank, columns - 2));
        captions.InsertRange(2, Enumerable.Repeat("", columns - 2));
        int scale = Math.Max(1, ReadableSide / Math.Max(picture.Width, picture.Height));
        // A sheet is looked at as a whole: letters keep their share of a picture that grows.
        return new ContactSheet { Columns = columns, Scale = scale, TextScale = Math.Max(1, scale * picture.Width / ReadableSide) }.Compose(images, captions);
    }

    private static VisionTransformer Transformer(LoadedModel model) => model.Backbone as VisionTransformer
        ?? throw new ArgumentException($"A {model.Backbone.GetType().Name} has no attention to draw. Use the weights of a vision transformer.", nameof(model));
}
