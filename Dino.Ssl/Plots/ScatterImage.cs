using Dino.Imaging;

namespace Dino.Ssl.Plots;

/// <summary>Draws a <see cref="ScatterPlot"/> into a picture.</summary>
internal static class ScatterImage
{
    private static readonly (byte R, byte G, byte B) s_paper = (255, 255, 255), s_frame = (228, 231, 235);

    public static Image Draw(ScatterPlot plot, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        ScatterLayout layout = new(plot);
        Image image = Ground(plot, layout, scale);
        Canvas canvas = new(image);
        double radius = scale * layout.Radius;
        foreach (int i in layout.DrawingOrder())
        {
            ScatterPoint point = plot.Points[i];
            (double x, double y) = layout.Place(point);
            // A rim of paper parts marks that overlap.
            canvas.Draw(GroupStyle.Mark(point.Group), scale * x, scale * y, radius + (0.4 * scale), s_paper, alpha: 0.8);
            canvas.Draw(GroupStyle.Mark(point.Group), scale * x, scale * y, radius, GroupStyle.Colour(point.Group));
        }

        return image;
    }

    /// <summary>Title, frame and legend.</summary>
    public static Image Ground(ScatterPlot plot, ScatterLayout layout, int scale)
    {
        Image image = new(scale * layout.Width, scale * layout.Height);
        image.Pixels.AsSpan().Fill(255);
        Canvas canvas = new(image);
        (int left, int top, int width, int height) = (scale * ScatterLayout.Margin, scale * ScatterLayout.Top, scale * layout.PlotWidth, scale * layout.PlotHeight);
        canvas.Fill(left - 1, top - 1, width + 2, height + 2, s_frame);
        canvas.Fill(left, top, width, height, s_paper);
        BitmapFont.Draw(image, BitmapFont.Fit(plot.Title, image.Width - (2 * left), scale), left, scale * 16, 36, scale);
        for (int i = 0; i < plot.Groups.Count; i++)
        {
            (double x, double y) = layout.Legend(i);
            canvas.Draw(GroupStyle.Mark(i), scale * x, scale * y, scale * 5, GroupStyle.Colour(i));
            BitmapFont.Draw(image, ScatterLayout.LegendName(plot.Groups[i]), (int)(scale * (x + (2 * ScatterLayout.LegendMark))), (int)(scale * (y - 4)), 70, scale);
        }

        return image;
    }
}
