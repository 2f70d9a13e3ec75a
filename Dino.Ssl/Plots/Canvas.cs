using Dino.Imaging;

namespace Dino.Ssl.Plots;

/// <summary>Draws shapes with soft edges into a picture. Coordinates are pixels; the centre of the first one is (0.5, 0.5).</summary>
internal readonly struct Canvas(Image image)
{
    /// <summary>A mark around a place.</summary>
    /// <param name="radius">Half its width, about: marks of all shapes have about the same area.</param>
    /// <param name="alpha">Share of the colour, 0 to 1.</param>
    public void Draw(Mark mark, double x, double y, double radius, (byte R, byte G, byte B) colour, double alpha = 1)
    {
        double reach = 1.5 * radius + 1;
        for (int row = (int)Math.Max(0, y - reach); row < Math.Min(image.Height, y + reach); row++)
        {
            for (int column = (int)Math.Max(0, x - reach); column < Math.Min(image.Width, x + reach); column++)
                Blend(column, row, Distance(mark, column + 0.5 - x, row + 0.5 - y, radius), colour, alpha);
        }
    }

    /// <summary>A straight line with round ends.</summary>
    /// <param name="alpha">Share of the colour, 0 to 1.</param>
    public void Line(double x0, double y0, double x1, double y1, double width, (byte R, byte G, byte B) colour, double alpha = 1)
    {
        (double dx, double dy, double reach) = (x1 - x0, y1 - y0, (width / 2) + 1);
        double length = Math.Max(1e-9, Math.Sqrt((dx * dx) + (dy * dy)));
        for (int row = (int)Math.Max(0, Math.Min(y0, y1) - reach); row < Math.Min(image.Height, Math.Max(y0, y1) + reach); row++)
        {
            // Where the row crosses the band of the line; a level line takes all of the row between its ends.
            double middle = Math.Abs(dy) > 1e-9 ? x0 + ((row + 0.5 - y0) * dx / dy) : x0, half = Math.Abs(dy) > 1e-9 ? reach * length / Math.Abs(dy) : double.PositiveInfinity;
            double left = Math.Max(Math.Min(x0, x1) - reach, middle - half), right = Math.Min(Math.Max(x0, x1) + reach, middle + half);
            for (int column = (int)Math.Max(0, left); column < Math.Min(image.Width, right); column++)
            {
                (double px, double py) = (column + 0.5 - x0, row + 0.5 - y0);
                double along = Math.Clamp(((px * dx) + (py * dy)) / (length * length), 0, 1);
                Blend(column, row, double.Hypot(px - (along * dx), py - (along * dy)) - (width / 2), colour, alpha);
            }
        }
    }

    /// <summary>A rectangle.</summary>
    public void Fill(int left, int top, int width, int height, (byte R, byte G, byte B) colour)
    {
        for (int row = Math.Max(0, top); row < Math.Min(image.Height, top + height); row++)
        {
            for (int column = Math.Max(0, left); column < Math.Min(image.Width, left + width); column++)
                (image.Row(row)[3 * column], image.Row(row)[(3 * column) + 1], image.Row(row)[(3 * column) + 2]) = colour;
        }
    }

    /// <summary>A picture in its own size; what lies outside is cut off.</summary>
    public void Place(Image picture, int left, int top)
    {
        for (int y = Math.Max(0, -top); y < Math.Min(picture.Height, image.Height - top); y++)
        {
            int from = Math.Max(0, -left), to = Math.Min(picture.Width, image.Width - left);
            if (to > from)
                picture.Row(y)[(3 * from)..(3 * to)].CopyTo(image.Row(top + y)[(3 * (left + from))..]);
        }
    }

    /// <summary>How far a place is outside of a mark, in pixels; negative inside.</summary>
    private static double Distance(Mark mark, double dx, double dy, double radius) => mark switch
    {
        Mark.Square => Math.Max(Math.Abs(dx), Math.Abs(dy)) - (0.88 * radius),
        Mark.Diamond => ((Math.Abs(dx) + Math.Abs(dy)) / Math.Sqrt(2)) - (0.88 * radius),
        // Three half planes at the same distance from the middle.
        Mark.Triangle => Math.Max(dy, (Math.Sqrt(0.75) * Math.Abs(dx)) - (0.5 * dy)) - (0.66 * radius),
        _ => double.Hypot(dx, dy) - radius,
    };

    private void Blend(int column, int row, double distance, (byte R, byte G, byte B) colour, double alpha)
    {
        double share = alpha * Math.Clamp(0.5 - distance, 0, 1);
        if (share == 0)
            return;
        Span<byte> pixel = image.Row(row).Slice(3 * column, 3);
        (pixel[0], pixel[1], pixel[2]) = (Mix(pixel[0], colour.R, share), Mix(pixel[1], colour.G, share), Mix(pixel[2], colour.B, share));
    }

    private static byte Mix(byte below, byte above, double share) => (byte)(below + (share * (above - below)) + 0.5);
}
