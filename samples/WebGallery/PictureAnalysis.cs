using System.IO.Compression;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Plots;
using Dino.Ssl.Projection;

namespace Dino.Samples.WebGallery;

/// <summary>Pictures of what the network of the embedder sees in a picture. One is computed at a time, with all threads of the device; the others wait without holding a thread.</summary>
internal sealed class PictureAnalysis(ImageEmbedder embedder, GalleryOptions options) : IDisposable
{
    /// <summary>Work grows with the square of the number of patches.</summary>
    private const int LongestShape = 4;

    /// <summary>Attention maps are as large as the square of the number of patches, which for the longest pictures is four times that of this many squared.</summary>
    private const int MostPatches = 24;

    private readonly SemaphoreSlim _turn = new(1);

    private readonly int _shortSide = Math.Min(MostPatches * embedder.Model.Backbone.Options.PatchSize, Math.Min(480, 2 * embedder.Model.Backbone.Options.ImageSize));

    /// <summary>Attention heads of the last block; 0 of a network without attention.</summary>
    public int Heads { get; } = (embedder.Model.Backbone as VisionTransformer)?.Options.Heads ?? 0;

    /// <summary>What the CLS token looks at.</summary>
    /// <exception cref="ImageException">The picture is corrupt, unsupported, too large or too long.</exception>
    public Task<AttentionAnswer> AttentionAsync(Stream body, CancellationToken cancellationToken) => InTurnAsync(body, picture =>
    {
        AttentionMap map = AttentionMap.Of(embedder.Model, picture, _shortSide, out Image seen);
        string[] heads = [.. Enumerable.Range(0, map.Heads).Select(head => Draw(map.Head(head)))];
        return new AttentionAnswer(Area(picture, seen, map.Rows, map.Columns), Draw(map.Mean()), heads);

        string Draw(ReadOnlySpan<float> values) => DataUri(HeatMap.Render(values, map.Rows, map.Columns, map.Columns, map.Rows));
    }, cancellationToken);

    /// <summary>The patches in the colours of their principal components.</summary>
    /// <inheritdoc cref="AttentionAsync"/>
    public Task<ComponentsAnswer> ComponentsAsync(Stream body, CancellationToken cancellationToken) => InTurnAsync(body, picture =>
    {
        PatchFeatures patches = PatchFeatures.Of(embedder.Model, picture, _shortSide, out Image seen);
        PatchComponents components = PatchComponents.Of([patches], cancellationToken: cancellationToken);
        double[] shares = [.. Enumerable.Range(0, components.Whole.Count).Select(components.Whole.Share)];
        return new ComponentsAnswer(Area(picture, seen, patches.Rows, patches.Columns), DataUri(components.Colours(0, patches.Columns, patches.Rows)), shares);
    }, cancellationToken);

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Stream body, Func<Image, T> analyse, CancellationToken cancellationToken)
    {
        using MemoryStream encoded = new();
        await body.CopyToAsync(encoded, cancellationToken);
        Image picture = await Task.Run(() => Decode(encoded.GetBuffer().AsSpan(0, (int)encoded.Length)), cancellationToken);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => analyse(picture), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private Image Decode(ReadOnlySpan<byte> encoded)
    {
        Image picture = ImageFile.Decode(encoded, options.DecodeLimits);
        return Math.Max(picture.Width, picture.Height) <= LongestShape * Math.Min(picture.Width, picture.Height)
            ? picture
            : throw new ImageTooLargeException($"The picture is {picture.Width} x {picture.Height}: its patches are drawn only where the long side is at most {LongestShape} times the short one. Crop it.");
    }

    private PatchArea Area(Image picture, Image seen, int rows, int columns)
    {
        (int width, int height) = PixelBox.ScaledSides(picture.Width, picture.Height, _shortSide);
        return new PatchArea(rows, columns, (double)seen.Width / width, (double)seen.Height / height);
    }

    private static string DataUri(Image image)
    {
        using MemoryStream png = new();
        PngEncoder.Encode(image, png, CompressionLevel.Fastest);
        return $"data:image/png;base64,{Convert.ToBase64String(png.GetBuffer().AsSpan(0, (int)png.Length))}";
    }
}
