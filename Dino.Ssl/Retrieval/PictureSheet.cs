using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Plots;

namespace Dino.Ssl.Retrieval;

/// <summary>Picture files side by side with captions, each brought to the same square: large ones shrink, small ones grow by whole pixels.</summary>
public sealed record PictureSheet
{
    private const byte White = 255;

    /// <summary>Pictures per row.</summary>
    public int Columns { get; init; } = 6;

    /// <summary>Side of a square in pixels.</summary>
    public int Side { get; init; } = 240;

    /// <summary>Puts pictures into a grid.</summary>
    /// <param name="pictures">Files with their captions; null is an empty place.</param>
    /// <param name="cancellationToken">Stops between pictures.</param>
    /// <returns>The sheet. A file that cannot be read, or is gone, is a gray square.</returns>
    public Image Compose(IReadOnlyList<(string Path, string Caption)?> pictures, CancellationToken cancellationToken = default)
    {
        Image[] tiles = new Image[pictures.Count];
        ParallelOptions options = new() { CancellationToken = cancellationToken };
        Parallel.For(0, tiles.Length, options, i => tiles[i] = pictures[i] is { } picture ? Tile(picture.Path) : Square(White));
        return new ContactSheet { Columns = Columns, Gap = 8, TextScale = 2 }.Compose(tiles, [.. pictures.Select(picture => picture?.Caption ?? "")]);
    }

    /// <summary>The end of a path that fits below a square beside a number, cut at its beginning: file names differ at their ends.</summary>
    /// <param name="prefix">What stands before it.</param>
    /// <param name="path">A path with slashes.</param>
    public string Caption(string prefix, string path)
    {
        int room = ContactSheet.CaptionLength(Side, scale: 2) - prefix.Length - 1;
        return $"{prefix} {(path.Length <= room ? path : room > 2 ? $"..{path[^(room - 2)..]}" : "")}".Trim();
    }

    private Image Tile(string path)
    {
        Image picture;
        try
        {
            picture = ImageFile.Decode(path);
        }
        catch (Exception error) when (error is ImageException or IOException or UnauthorizedAccessException)
        {
            return Square(200);
        }

        int longest = Math.Max(picture.Width, picture.Height), times = Side / longest;
        (int width, int height) = times > 0 ? (picture.Width * times, picture.Height * times)
            : (Math.Max(1, picture.Width * Side / longest), Math.Max(1, picture.Height * Side / longest));
        Image scaled = Resampler.Resize(picture, width, height, times > 0 ? ResizeFilter.Nearest : ResizeFilter.Bicubic);
        Image tile = Square(White);
        for (int y = 0; y < height; y++)
            scaled.Row(y).CopyTo(tile.Row(((Side - height) / 2) + y)[(3 * ((Side - width) / 2))..]);
        return tile;
    }

    private Image Square(byte shade)
    {
        Image square = new(Side, Side);
        square.Pixels.AsSpan().Fill(shade);
        return square;
    }
}
