using System.Xml.Linq;
using Dino.Imaging;
using Dino.Ssl.Plots;

namespace Dino.Tests.Ssl.Plots;

/// <summary>Scatter plots: every point is there, in its colour, and pictures do not hide each other.</summary>
public class ScatterTests
{
    [Fact]
    public void The_svg_names_every_point_and_every_group()
    {
        ScatterPlot plot = Grid(30, groups: 14) with { Title = "a < b & c" };
        XElement svg = XElement.Parse(plot.ToSvg());
        XName Svg(string name) => XName.Get(name, "http://www.w3.org/2000/svg");
        XElement[] marks = [.. svg.Descendants(Svg("use"))];
        Assert.Equal(Enumerable.Range(0, 900).Select(i => $"group {i % 14}: <{i}>").Order(), marks.Select(mark => mark.Element(Svg("title"))?.Value).OfType<string>().Order());
        Assert.Equal(14, marks.Count(mark => mark.Element(Svg("title")) is null));
        Assert.Equal(14, marks.Select(mark => (mark.Attribute("fill")!.Value, mark.Attribute("href")!.Value.Replace("-legend", "", StringComparison.Ordinal))).Distinct().Count());
        Assert.Contains(svg.Descendants(Svg("text")), text => text.Value == "a < b & c");
        foreach (XElement mark in marks)
        {
            Assert.InRange((double)mark.Attribute("x")!, 0, (double)svg.Attribute("width")!);
            Assert.InRange((double)mark.Attribute("y")!, 0, (double)svg.Attribute("height")!);
        }
    }

    [Fact]
    public void The_picture_shows_the_colours_of_all_groups()
    {
        Image image = Grid(10, groups: 12).ToImage();
        HashSet<(byte, byte, byte)> colours = [.. Enumerable.Range(0, image.Width * image.Height).Select(i => (image.Pixels[3 * i], image.Pixels[(3 * i) + 1], image.Pixels[(3 * i) + 2]))];
        Assert.All(Enumerable.Range(0, 12), group => Assert.Contains(GroupStyle.Colour(group), colours));
        Image plain = Grid(10, groups: 0).ToImage();
        Assert.True(plain.Width < image.Width);
    }

    [Fact]
    public void Pictures_have_cells_of_their_own_and_those_without_room_are_left_out()
    {
        // One colour for each picture: that of its number.
        Image Numbered(int i) => new(40, 30, [.. Enumerable.Repeat<byte[]>([(byte)(10 + (i / 100)), (byte)(i % 100), 200], 1200).SelectMany(pixel => pixel)]);
        Image sheet = Grid(12, groups: 3).ToThumbnails(Numbered, out int shown);
        Assert.Equal(144, shown);
        int[] areas = [.. Enumerable.Range(0, sheet.Width * sheet.Height).Where(i => sheet.Pixels[(3 * i) + 2] == 200 && sheet.Pixels[3 * i] is 10 or 11).GroupBy(i => (sheet.Pixels[3 * i], sheet.Pixels[(3 * i) + 1])).Select(group => group.Count())];
        Assert.Equal(144, areas.Length);
        Assert.Single(areas.Distinct());

        ScatterPlot crowd = new() { Title = "crowd", Points = [.. Enumerable.Range(0, 500).Select(i => new ScatterPoint(i < 499 ? 0 : 1, 0, -1, ""))] };
        crowd.ToThumbnails(i => i == 0 ? null : new Image(4, 4), out shown);
        Assert.InRange(shown, 20, 40);
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new ScatterPlot { Title = "", Points = [] }.ToSvg());
        Assert.Throws<ArgumentException>(() => new ScatterPlot { Title = "", Points = [new(double.NaN, 0, -1, "")] }.ToImage());
        Assert.Throws<ArgumentException>(() => new ScatterPlot { Title = "", Points = [new(0, 0, 0, "")] }.ToSvg());
        // One point, and points on one place, stand in the middle.
        Assert.NotEmpty(new ScatterPlot { Title = "", Points = [new(3, 3, -1, "")] }.ToSvg());
    }

    [Fact]
    public void Cells_of_a_sheet_are_as_high_as_the_highest_of_their_row()
    {
        Image sheet = new ContactSheet { Columns = 2, Gap = 1 }.Compose([new Image(3, 2), new Image(2, 5), new Image(1, 1)]);
        Assert.Equal((9, 1 + 5 + 1 + 1 + 1), (sheet.Width, sheet.Height));
        Image large = new ContactSheet { TextScale = 2 }.Compose([new Image(100, 5)], ["name"]), small = new ContactSheet().Compose([new Image(100, 5)], ["name"]);
        Assert.Equal(small.Height + 10, large.Height);
    }

    private static ScatterPlot Grid(int side, int groups) => new()
    {
        Title = "grid", Groups = [.. Enumerable.Range(0, groups).Select(i => $"group {i}")],
        Points = [.. Enumerable.Range(0, side * side).Select(i => new ScatterPoint(i % side, i / side, groups == 0 ? -1 : i % groups, $"<{i}>"))],
    };
}
