using System.Numerics.Tensors;
using Dino.Imaging;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Plots;

namespace Dino.Ssl.Projection;

/// <summary>Patches of pictures in the colours of their principal components, in one basis for all: what looks alike to the network has the same colour.</summary>
/// <remarks>
/// As in the pictures of DINOv2 (Oquab et al. 2023, figure 1): the first component of all patches splits them in two, the components of one side give the colours.
/// Foreground is the side that is rarer at the edges of the pictures than inside.
/// </remarks>
public sealed partial class PatchComponents
{
    /// <summary>Fewer patches have no components worth a colour.</summary>
    private const int MinPatches = 4;

    private readonly IReadOnlyList<PatchFeatures> _pictures;
    private readonly int[] _starts;
    private readonly double[] _whole;
    private readonly double[]? _front;
    private readonly bool[] _isForeground;

    private PatchComponents(IReadOnlyList<PatchFeatures> pictures, PatchComponentsOptions options, CancellationToken cancellationToken)
    {
        _pictures = pictures;
        (int width, int count) = (pictures[0].Width, pictures.Sum(picture => picture.Count));
        _starts = new int[pictures.Count];
        float[] rows = new float[checked(count * width)];
        for (int i = 0, start = 0; i < pictures.Count; start += pictures[i++].Count)
        {
            _starts[i] = start;
            pictures[i].Values.CopyTo(rows.AsSpan(start * width));
        }

        Whole = PrincipalComponents.Of<float>(rows, width, Math.Min(options.Components, Math.Min(count, width)), options.Threads, cancellationToken);
        _whole = Whole.Project<float>(rows, whitening: 0.5);
        _isForeground = new bool[count];
        if (!options.SplitsForeground)
            return;
        Split(options);
        float[] front = [.. _isForeground.Index().Where(patch => patch.Item).SelectMany(patch => new ArraySegment<float>(rows, patch.Index * width, width))];
        int patches = front.Length / width;
        if (patches < MinPatches)
            throw new ArgumentException($"{patches} of {count} patches are foreground at a threshold of {options.Threshold}. Lower the threshold, or invert the sides.");
        Foreground = PrincipalComponents.Of<float>(front, width, Math.Min(options.Components, Math.Min(patches, width)), options.Threads, cancellationToken);
        // Of all patches: colours are blended across the outline before it is cut.
        _front = Foreground.Project<float>(rows, whitening: 0.5);
    }

    /// <summary>The components of all patches.</summary>
    public PrincipalComponents Whole { get; }

    /// <summary>The components of the foreground; null if it was not split off.</summary>
    public PrincipalComponents? Foreground { get; }

    /// <summary>Finds the components of the patches of some pictures together.</summary>
    /// <param name="pictures">At least one, all from one network.</param>
    /// <param name="options">Whether and how to split off the foreground.</param>
    /// <param name="cancellationToken">Stops the decomposition.</param>
    /// <exception cref="ArgumentException">There are fewer than four patches (in all, or in the foreground), or features of different widths.</exception>
    public static PatchComponents Of(IReadOnlyList<PatchFeatures> pictures, PatchComponentsOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new PatchComponentsOptions();
        options.Validate();
        int count = pictures.Sum(picture => picture.Count);
        if (count < MinPatches)
            throw new ArgumentException($"{count} {(count == 1 ? "patch has" : "patches have")} no components to colour. Enlarge the picture, or use a network with smaller patches.", nameof(pictures));
        if (pictures.Any(picture => picture.Width != pictures[0].Width))
            throw new ArgumentException("The features must all come from one network: their widths differ.", nameof(pictures));
        return new PatchComponents(pictures, options, cancellationToken);
    }

    /// <summary>The patches of a picture that are foreground, [rows · columns]; none if it was not split off.</summary>
    public bool[] ForegroundOf(int picture) => _isForeground[_starts[picture]..(_starts[picture] + _pictures[picture].Count)];

    /// <summary>One component over a picture, [rows · columns], in units of its standard deviation.</summary>
    /// <param name="picture">Index of the picture.</param>
    /// <param name="component">Index of the component among those of all patches.</param>
    public float[] Map(int picture, int component) => Column(_whole, Whole.Count, picture, component);

    /// <summary>A picture in the colours of all patches.</summary>
    /// <param name="picture">Index of the picture.</param>
    /// <param name="width">Pixels per row of the result.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="upsampling">How patches become pixels.</param>
    public Image Colours(int picture, int width, int height, Upsampling upsampling = Upsampling.Nearest) => Paint(_whole, Whole.Count, picture, width, height, upsampling);

    /// <summary>The foreground of a picture in its colours, on a pale copy of the picture.</summary>
    /// <param name="picture">Index of the picture.</param>
    /// <param name="seen">The picture, at the size of the result.</param>
    /// <param name="upsampling">How patches become pixels.</param>
    /// <exception cref="InvalidOperationException">The foreground was not split off.</exception>
    public Image ForegroundColours(int picture, Image seen, Upsampling upsampling = Upsampling.Nearest)
    {
        if (_front is null)
            throw new InvalidOperationException("The foreground was not split off: set SplitsForeground in the options.");
        Image result = Paint(_front, Foreground!.Count, picture, seen.Width, seen.Height, upsampling);
        float[] mask = [.. ForegroundOf(picture).Select(isForeground => isForeground ? 1f : 0f)];
        float[] cover = HeatMap.Upsample(mask, _pictures[picture].Rows, _pictures[picture].Columns, seen.Width, seen.Height, upsampling);
        for (int i = 0; i < cover.Length; i++)
        {
            if (cover[i] >= 0.5f)
                continue;
            ReadOnlySpan<byte> source = seen.Pixels.AsSpan(3 * i, 3);
            double luma = (0.299 * source[0]) + (0.587 * source[1]) + (0.114 * source[2]);
            result.Pixels.AsSpan(3 * i, 3).Fill((byte)(255 - (0.25 * (255 - luma))));
        }

        return result;
    }

    private void Split(PatchComponentsOptions options)
    {
        double[] first = [.. Enumerable.Range(0, _isForeground.Length).Select(i => _whole[i * Whole.Count])];
        if (IsMoreAtTheEdge(first) != options.Inverts)
            TensorPrimitives.Negate<double>(first, first);
        (double low, double high) = (first.Min(), first.Max());
        double cut = options.Threshold is { } threshold ? low + (threshold * (high - low)) : BestCut(first);
        for (int i = 0; i < first.Length; i++)
            _isForeground[i] = first[i] >= cut;
    }

    /// <summary>Whether patches at the edges of the pictures have the larger values in the mean. Grids without an inside do not vote.</summary>
    private bool IsMoreAtTheEdge(double[] values)
    {
        (double edge, double inside, int edges, int insides) = (0, 0, 0, 0);
        foreach ((int index, PatchFeatures picture) in _pictures.Index().Where(item => item.Item is { Rows: > 2, Columns: > 2 }))
        {
            for (int i = 0; i < picture.Count; i++)
            {
                (int row, int column) = (i / picture.Columns, i % picture.Columns);
                double value = values[_starts[index] + i];
                if (row == 0 || column == 0 || row == picture.Rows - 1 || column == picture.Columns - 1)
                    (edge, edges) = (edge + value, edges + 1);
                else
                    (inside, insides) = (inside + value, insides + 1);
            }
        }

        return edges > 0 && edge / edges > inside / insides;
    }

    /// <summary>The value from which on a group begins, such that the variance between the two groups is largest.</summary>
    private static double BestCut(double[] values)
    {
        double[] sorted = [.. values.Order()];
        double total = sorted.Sum(), below = 0, best = 0, cut = sorted[0];
        for (int i = 1; i < sorted.Length; i++)
        {
            below += sorted[i - 1];
            double difference = ((total - below) / (sorted.Length - i)) - (below / i), between = (double)i * (sorted.Length - i) * difference * difference;
            if (between > best && sorted[i] > sorted[i - 1])
                (best, cut) = (between, sorted[i]);
        }

        return cut;
    }

    private float[] Column(double[] coordinates, int count, int picture, int component)
    {
        float[] column = new float[_pictures[picture].Count];
        for (int i = 0; i < column.Length; i++)
            column[i] = (float)coordinates[((_starts[picture] + i) * count) + component];
        return column;
    }

    /// <summary>Red, green and blue from three components: the logistic function brings most patches to clear colours and outliers no further than the ends.</summary>
    private Image Paint(double[] coordinates, int count, int picture, int width, int height, Upsampling upsampling)
    {
        Image image = new(width, height);
        for (int channel = 0; channel < 3; channel++)
        {
            float[] cells = channel < count ? Column(coordinates, count, picture, channel) : new float[_pictures[picture].Count];
            for (int i = 0; i < cells.Length; i++)
                cells[i] = 1 / (1 + MathF.Exp(-2 * cells[i]));
            float[] pixels = HeatMap.Upsample(cells, _pictures[picture].Rows, _pictures[picture].Columns, width, height, upsampling);
            for (int i = 0; i < pixels.Length; i++)
                image.Pixels[(3 * i) + channel] = (byte)((255 * pixels[i]) + 0.5f);
        }

        return image;
    }
}
