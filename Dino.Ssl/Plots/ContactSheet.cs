using Dino.Imaging;

namespace Dino.Ssl.Plots;

/// <summary>Many pictures in one: a grid with gaps and captions.</summary>
public sealed record ContactSheet
{
    /// <summary>Pictures per row.</summary>
    public int Columns { get; init; } = 8;

    /// <summary>Pixels between and around the pictures.</summary>
    public int Gap { get; init; } = 4;

    /// <summary>Every pixel becomes a square of this side: small pictures stay sharp.</summary>
    public int Scale { get; init; } = 1;

    /// <summary>Shade of gaps, 0 black to 255 white; captions take the opposite.</summary>
    public byte Background { get; init; } = 255;

    /// <summary>Pixels per pixel of the captions' font, in which a letter is 6 wide and 10 high.</summary>
    public int TextScale { get; init; } = 1;

    /// <summary>Puts the pictures into a grid, row by row. Cells are as wide as the widest picture and as high as the highest of their row; smaller ones are centred.</summary>
    /// <param name="images">At least one.</param>
    /// <param name="captions">A line below each picture, cut to its width; null or empty for none.</param>
    /// <exception cref="ArgumentException">There are no pictures, or not as many captions as pictures.</exception>
    public Image Compose(IReadOnlyList<Image> images, IReadOnlyList<string>? captions = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Scale);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(TextScale);
        ArgumentOutOfRangeException.ThrowIfNegative(Gap);
        if (images.Count == 0)
            throw new ArgumentException("A contact sheet needs at least one picture.", nameof(images));
        if (captions is { Count: > 0 } && captions.Count != images.Count)
            throw new ArgumentException($"There are {images.Count} pictures and {captions.Count} captions.", nameof(captions));
        bool named = captions is { Count: > 0 };
        int columns = Math.Min(Columns, images.Count), cellWidth = images.Max(image => image.Width) * Scale, pitch = cellWidth + Gap;
        int[] heights = [.. images.Chunk(columns).Select(row => row.Max(image => image.Height) * Scale)];
        int below = Gap + (named ? (BitmapFont.LineHeight * TextScale) + 2 : 0);
        Image sheet = new(Gap + (columns * pitch), Gap + heights.Sum(height => height + below));
        sheet.Pixels.AsSpan().Fill(Background);
        for (int i = 0, top = Gap; i < images.Count; i++)
        {
            int left = Gap + (i % columns * pitch), height = heights[i / columns];
            Place(sheet, images[i], left + ((cellWidth - (images[i].Width * Scale)) / 2), top + ((height - (images[i].Height * Scale)) / 2));
            if (named)
            {
                string text = BitmapFont.Fit(captions![i], cellWidth, TextScale);
                int width = ((text.Length * BitmapFont.Advance) - 1) * TextScale;
                BitmapFont.Draw(sheet, text, left + ((cellWidth - width) / 2), top + height + 3, (byte)(Background > 127 ? 40 : 230), TextScale);
            }

            if (i % columns == columns - 1)
                top += height + below;
        }

        return sheet;
    }

    /// <summary>Characters of a caption that fit below a picture.</summary>
    /// <param name="width">Of the picture in pixels.</param>
    /// <param name="scale">See <see cref="TextScale"/>.</param>
    public static int CaptionLength(int width, int scale = 1) => BitmapFont.Length(width, scale);

    private void Place(Image sheet, Image image, int left, int top)
    {
        for (int y = 0; y < image.Height * Scale; y++)
        {
            ReadOnlySpan<byte> source = image.Row(y / Scale);
            Span<byte> destination = sheet.Row(top + y).Slice(3 * left, 3 * image.Width * Scale);
            for (int x = 0; x < image.Width * Scale; x++)
                source.Slice(3 * (x / Scale), 3).CopyTo(destination[(3 * x)..]);
        }
    }
}
