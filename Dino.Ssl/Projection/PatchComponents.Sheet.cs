using System.Globalization;
using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Plots;

namespace Dino.Ssl.Projection;

/// <summary>The sheet of all pictures.</summary>
public sealed partial class PatchComponents
{
    /// <summary>One picture of everything: each input with its colours beside it, those of the foreground if it was split off, and maps of single components.</summary>
    /// <param name="seen">The pictures that the network saw.</param>
    /// <param name="names">A caption for each.</param>
    /// <param name="upsampling">How patches become pixels.</param>
    /// <param name="maps">How many of the components are drawn on their own.</param>
    /// <exception cref="ArgumentException">Not as many pictures and names as were analysed, or more maps than components.</exception>
    public Image Sheet(IReadOnlyList<Image> seen, IReadOnlyList<string> names, Upsampling upsampling = Upsampling.Nearest, int maps = 0)
    {
        if (seen.Count != _pictures.Count || names.Count != _pictures.Count)
            throw new ArgumentException($"{_pictures.Count} pictures were analysed; {seen.Count} pictures and {names.Count} names were given.", nameof(seen));
        if (maps < 0 || maps > Whole.Count)
            throw new ArgumentException($"There are {Whole.Count} components, not {maps}.", nameof(maps));
        int side = seen.Count <= 2 ? 480 : seen.Count <= 6 ? 320 : 224;
        List<Image> images = [];
        List<string> captions = [];
        for (int i = 0; i < seen.Count; i++)
        {
            Image panel = Resized(seen[i], side);
            images.Add(panel);
            captions.Add(names[i]);
            images.Add(Colours(i, panel.Width, panel.Height, upsampling));
            captions.Add("components 1 2 3");
            if (Foreground is not null)
            {
                images.Add(ForegroundColours(i, panel, upsampling));
                captions.Add("foreground");
            }

            for (int component = 0; component < maps; component++)
            {
                // Two deviations on either side: the same colours mean the same in every picture.
                images.Add(HeatMap.Render(Map(i, component), _pictures[i].Rows, _pictures[i].Columns, panel.Width, panel.Height, upsampling, range: (-2, 2)));
                captions.Add(string.Create(CultureInfo.InvariantCulture, $"component {component + 1}: {100 * Whole.Share(component):0.#} %"));
            }
        }

        int panels = images.Count / seen.Count;
        // As many pictures side by side as make the sheet about as wide as it is high.
        int beside = Math.Clamp((int)Math.Round(Math.Sqrt((double)seen.Count / panels)), 1, seen.Count);
        return new ContactSheet { Columns = panels * beside, Gap = 8, TextScale = side > 224 ? 2 : 1 }.Compose(images, captions);
    }

    /// <summary>The picture at a size that can be looked at: a given long side.</summary>
    private static Image Resized(Image picture, int longSide)
    {
        double scale = (double)longSide / Math.Max(picture.Width, picture.Height);
        (int width, int height) = (Math.Max(1, (int)Math.Round(picture.Width * scale)), Math.Max(1, (int)Math.Round(picture.Height * scale)));
        return Resampler.Resize(picture, width, height);
    }
}
