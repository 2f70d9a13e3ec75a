using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Plots;

namespace Dino.Ssl.Matching;

/// <summary>Two pictures side by side with lines between places that match.</summary>
public static class MatchPicture
{
    private const int Gap = 24, Margin = 8;

    /// <summary>Height that pictures get: small ones are enlarged so that lines can be told apart.</summary>
    private const int LeastSide = 640;

    private static readonly (byte R, byte G, byte B) s_dark = (20, 20, 20), s_light = (255, 255, 255);

    /// <summary>Draws pairs of places.</summary>
    /// <param name="first">The picture on the left.</param>
    /// <param name="second">The picture on the right.</param>
    /// <param name="pairs">Places in pixels of the two pictures. The hue goes around the middle of those in the first picture.</param>
    public static Image Draw(Image first, Image second, IReadOnlyList<(double X0, double Y0, double X1, double Y1)> pairs)
    {
        double scale = Math.Max(1, (double)LeastSide / Math.Max(Math.Max(first.Width, first.Height), Math.Max(second.Width, second.Height)));
        (Image left, Image right) = (Scaled(first, scale), Scaled(second, scale));
        int height = Math.Max(left.Height, right.Height), rightEdge = Margin + left.Width + Gap;
        Image sheet = new(rightEdge + right.Width + Margin, height + (2 * Margin));
        sheet.Pixels.AsSpan().Fill(255);
        Canvas canvas = new(sheet);
        (int top, int rightTop) = (Margin + ((height - left.Height) / 2), Margin + ((height - right.Height) / 2));
        canvas.Place(left, Margin, top);
        canvas.Place(right, rightEdge, rightTop);
        double thickness = Math.Clamp(Math.Max(left.Width, left.Height) / 300.0, 1.5, 3);
        (double X0, double Y0, double X1, double Y1)[] ends = [.. pairs.Select(pair => (Margin + (scale * pair.X0), top + (scale * pair.Y0), rightEdge + (scale * pair.X1), rightTop + (scale * pair.Y1)))];
        (double middleX, double middleY) = (ends.Select(end => end.X0).DefaultIfEmpty().Average(), ends.Select(end => end.Y0).DefaultIfEmpty().Average());
        (byte R, byte G, byte B)[] colours = [.. ends.Select(end => Hue(Math.Atan2(end.Y0 - middleY, end.X0 - middleX) / (2 * Math.PI)))];
        // Lines first, then the places: an end that a line crosses stays visible.
        foreach ((int i, (double x0, double y0, double x1, double y1)) in ends.Index())
        {
            canvas.Line(x0, y0, x1, y1, thickness + 1.5, s_dark, alpha: 0.35);
            canvas.Line(x0, y0, x1, y1, thickness, colours[i], alpha: 0.85);
        }

        foreach ((int i, (double x0, double y0, double x1, double y1)) in ends.Index())
        {
            foreach ((double x, double y) in ((double, double)[])[(x0, y0), (x1, y1)])
            {
                canvas.Draw(Mark.Disc, x, y, (2.5 * thickness) + 2.5, s_dark, alpha: 0.8);
                canvas.Draw(Mark.Disc, x, y, (2.5 * thickness) + 1.5, s_light);
                canvas.Draw(Mark.Disc, x, y, 2.5 * thickness, colours[i]);
            }
        }

        return sheet;
    }

    private static Image Scaled(Image picture, double scale) => scale == 1 ? picture
        : Resampler.Resize(picture, (int)Math.Round(scale * picture.Width), (int)Math.Round(scale * picture.Height));

    /// <summary>A bright colour of a hue, in turns of the circle.</summary>
    private static (byte R, byte G, byte B) Hue(double turns)
    {
        return (Channel(turns), Channel(turns - (1.0 / 3)), Channel(turns - (2.0 / 3)));

        static byte Channel(double turns) => (byte)(40 + (215 * Math.Clamp((2 * Math.Abs((2 * (turns - Math.Floor(turns))) - 1)) - 0.5 + 0.25, 0, 1)));
    }
}
