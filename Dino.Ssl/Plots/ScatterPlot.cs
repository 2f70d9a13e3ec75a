using System.Text;
using Dino.Imaging;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Plots;

/// <summary>Points in the plane, in the colours of their groups with a legend, as SVG or as a picture. Both axes have one scale, and no numbers: they have no meaning.</summary>
public sealed record ScatterPlot
{
    /// <summary>Heading above the plot.</summary>
    public required string Title { get; init; }

    /// <summary>The points; the order of drawing is another, so that no group covers the others.</summary>
    public required IReadOnlyList<ScatterPoint> Points { get; init; }

    /// <summary>Names of the groups; without any there is no legend.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Longer side of the frame that the points fill; the legend stands beside it.</summary>
    public int Side { get; init; } = 800;

    /// <summary>Writes the plot as an SVG file, in which a point tells its name to a pointer that rests on it.</summary>
    /// <exception cref="ArgumentException">There are no points, one is not finite, or one has a group without a name.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToSvg())));

    /// <summary>The plot as an SVG file.</summary>
    /// <exception cref="ArgumentException">There are no points, one is not finite, or one has a group without a name.</exception>
    public string ToSvg() => ScatterSvg.Write(this);

    /// <summary>The plot as a picture.</summary>
    /// <param name="scale">Pixels per unit of <see cref="Side"/>.</param>
    /// <exception cref="ArgumentException">There are no points, one is not finite, or one has a group without a name.</exception>
    public Image ToImage(int scale = 2) => ScatterImage.Draw(this, scale);

    /// <summary>The plot with pictures in place of points, each in a cell of a grid near its point.</summary>
    /// <param name="picture">The picture of a point; null if it cannot be shown. Called from several threads.</param>
    /// <param name="shown">How many have a cell of their own: where the plot is crowded the others are left out.</param>
    /// <param name="cancellationToken">Stops between pictures.</param>
    /// <exception cref="ArgumentException">There are no points, one is not finite, or one has a group without a name.</exception>
    public Image ToThumbnails(Func<int, Image?> picture, out int shown, CancellationToken cancellationToken = default) => new ThumbnailGrid(this).Draw(picture, out shown, cancellationToken);
}
