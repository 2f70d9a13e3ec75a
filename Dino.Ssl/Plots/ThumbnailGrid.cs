using Dino.Imaging;
using Dino.Imaging.Transforms;

namespace Dino.Ssl.Plots;

/// <summary>
/// Lays out the pictures of a <see cref="ScatterPlot"/> in cells, so that none hides another: a picture takes the free cell nearest to its point, those that lie nearest to
/// the middle of their cell first, and is left out if none is free near by.
/// </summary>
internal sealed class ThumbnailGrid
{
    /// <summary>Pixels per unit of the plot.</summary>
    private const int Scale = 2;

    private const int SmallestCell = 24, LargestCell = 96;

    /// <summary>Cells that a picture may move.</summary>
    private const int Reach = 3;

    private static readonly (int X, int Y)[] s_steps = [.. from y in Enumerable.Range(-Reach, (2 * Reach) + 1)
        from x in Enumerable.Range(-Reach, (2 * Reach) + 1)
        where (x * x) + (y * y) <= Reach * Reach
        orderby (x * x) + (y * y), y, x
        select (x, y)];

    private readonly ScatterPlot _plot;
    private readonly ScatterLayout _layout;
    private readonly int _cell, _columns, _rows;

    public ThumbnailGrid(ScatterPlot plot)
    {
        _layout = new ScatterLayout(plot);
        // About four cells a picture, because clusters are denser than the plot; a narrow plot grows to the area of a square one.
        double square = Math.Pow(plot.Side * Scale, 2), area = Math.Clamp(4.0 * plot.Points.Count * SmallestCell * SmallestCell, square, 4 * square);
        _plot = plot with { Side = (int)(plot.Side * Math.Sqrt(area / ((double)_layout.PlotWidth * _layout.PlotHeight)) / Scale) };
        _layout = new ScatterLayout(_plot);
        _cell = (int)Math.Clamp(Math.Sqrt(area / (4.0 * plot.Points.Count)), SmallestCell, LargestCell);
        (_columns, _rows) = (_layout.PlotWidth * Scale / _cell, _layout.PlotHeight * Scale / _cell);
    }

    public Image Draw(Func<int, Image?> picture, out int shown, CancellationToken cancellationToken)
    {
        Image sheet = ScatterImage.Ground(_plot, _layout, Scale);
        int[] owners = Assign();
        int drawn = 0;
        Parallel.For(0, owners.Length, new ParallelOptions { CancellationToken = cancellationToken }, cell =>
        {
            if (owners[cell] < 0 || picture(owners[cell]) is not { } image)
                return;
            // Cells share no pixel.
            Draw(new Canvas(sheet), image, owners[cell], cell);
            Interlocked.Increment(ref drawn);
        });
        shown = drawn;
        return sheet;
    }

    private (double X, double Y) CellOf(int point)
    {
        (double x, double y) = _layout.Place(_plot.Points[point]);
        return (((x - ScatterLayout.Margin) * Scale / _cell) - 0.5, ((y - ScatterLayout.Top) * Scale / _cell) - 0.5);
    }

    /// <summary>The point of each cell, row by row; -1 for none.</summary>
    private int[] Assign()
    {
        int[] owners = new int[_columns * _rows];
        owners.AsSpan().Fill(-1);
        (double X, double Y)[] places = [.. Enumerable.Range(0, _plot.Points.Count).Select(CellOf)];
        foreach (int point in Enumerable.Range(0, places.Length).OrderBy(i => double.Hypot(places[i].X - Math.Round(places[i].X), places[i].Y - Math.Round(places[i].Y))))
        {
            (int x, int y) = ((int)Math.Round(places[point].X), (int)Math.Round(places[point].Y));
            foreach ((int dx, int dy) in s_steps)
            {
                (int column, int row) = (x + dx, y + dy);
                if ((uint)column >= (uint)_columns || (uint)row >= (uint)_rows || owners[(row * _columns) + column] >= 0)
                    continue;
                owners[(row * _columns) + column] = point;
                break;
            }
        }

        return owners;
    }

    /// <summary>The middle square of a picture, in a frame of the colour of its group.</summary>
    private void Draw(Canvas canvas, Image image, int point, int cell)
    {
        int frame = _plot.Groups.Count > 0 ? Math.Max(1, _cell / 24) + 1 : 1, side = _cell - 1 - (2 * frame), square = Math.Min(image.Width, image.Height);
        (int left, int top) = ((ScatterLayout.Margin * Scale) + (cell % _columns * _cell), (ScatterLayout.Top * Scale) + (cell / _columns * _cell));
        if (_plot.Groups.Count > 0)
            canvas.Fill(left, top, _cell - 1, _cell - 1, GroupStyle.Colour(_plot.Points[point].Group));
        PlanarImage resized = new();
        new Resampler().Resize(image, PixelBox.Center(image.Width, image.Height, square, square), side, side, ResizeFilter.Bicubic, flip: false, resized);
        canvas.Place(resized.ToImage(), left + frame, top + frame);
    }
}
