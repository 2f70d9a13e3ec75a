using Dino.Imaging;
using Dino.Ssl.Plots;

namespace Dino.Tests.Ssl.Plots;

public sealed class PictureTests
{
    // matplotlib's viridis at five places; 5 levels: the polynomial fit is within 2 % of full scale.
    [Theory]
    [InlineData(0.0, 68, 1, 84)]
    [InlineData(0.25, 59, 82, 139)]
    [InlineData(0.5, 33, 145, 140)]
    [InlineData(0.75, 94, 201, 98)]
    [InlineData(1.0, 253, 231, 37)]
    public void The_colour_map_is_viridis(double t, int r, int g, int b)
    {
        (byte red, byte green, byte blue) = ColourMap.Viridis.At(t);
        Assert.InRange(red, r - 5, r + 5);
        Assert.InRange(green, g - 5, g + 5);
        Assert.InRange(blue, b - 5, b + 5);
    }

    [Fact]
    public void Values_outside_the_range_get_the_ends()
    {
        Assert.Equal(ColourMap.Viridis.At(0), ColourMap.Viridis.At(-3));
        Assert.Equal(ColourMap.Viridis.At(1), ColourMap.Viridis.At(double.PositiveInfinity));
        Assert.Equal(ColourMap.Viridis.At(0), ColourMap.Viridis.At(double.NaN));
        Assert.Equal((128, 128, 128), ColourMap.Gray.At(0.5));
    }

    [Fact]
    public void Nearest_repeats_cells_and_bilinear_passes_through_their_centres()
    {
        float[] map = [0, 1, 2, 3, 4, 5];
        Assert.Equal([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 3, 3, 4, 4, 5, 5], HeatMap.Upsample(map, 2, 3, 6, 4, Upsampling.Nearest));
        float[] smooth = HeatMap.Upsample(map, 2, 3, 9, 6, Upsampling.Bilinear);
        // With an odd factor the centre of a cell is the centre of a pixel.
        for (int row = 0; row < 2; row++)
        {
            for (int column = 0; column < 3; column++)
                Assert.Equal(map[(row * 3) + column], smooth[(((row * 3) + 1) * 9) + (column * 3) + 1]);
        }

        Assert.Equal(1f / 3, smooth[9 + 2], 1e-6f);
        Assert.Equal(0, smooth[0]);
    }

    [Fact]
    public void A_heat_map_spans_its_own_range_or_a_given_one()
    {
        Image own = HeatMap.Render([2, 4], 1, 2, 2, 1, colours: ColourMap.Gray);
        Assert.Equal([0, 0, 0, 255, 255, 255], own.Pixels);
        Image given = HeatMap.Render([2, 4], 1, 2, 2, 1, colours: ColourMap.Gray, range: (0, 4));
        Assert.Equal([128, 128, 128, 255, 255, 255], given.Pixels);
        Image flat = HeatMap.Render([7, 7], 1, 2, 2, 1, colours: ColourMap.Gray);
        Assert.Equal(new byte[6], flat.Pixels);
        Assert.Throws<ArgumentException>(() => HeatMap.Render([1, 2, 3], 2, 2, 4, 4));
    }

    [Fact]
    public void Overlays_mix_in_the_given_share()
    {
        Image black = new(2, 1), white = new(2, 1, [255, 255, 255, 255, 255, 255]);
        Assert.All(Overlay.Blend(black, white, 0.4).Pixels, value => Assert.Equal(102, value));
        Assert.Equal([100, 0, 0, 0, 0, 0], Overlay.Mask(black, [true, false], 1, 2, (200, 0, 0)).Pixels);
        Assert.Equal(new byte[6], black.Pixels);
        Assert.Throws<ArgumentException>(() => Overlay.Blend(black, new Image(1, 1), 0.5));
        Assert.Equal(HeatMap.Render([0, 1], 1, 2, 2, 1).Pixels, Overlay.Heat(black, [0, 1], 1, 2, alpha: 1, Upsampling.Nearest).Pixels);
    }

    [Fact]
    public void A_contact_sheet_places_scaled_pictures_in_rows()
    {
        Image red = new(1, 1, [255, 0, 0]), blue = new(1, 1, [0, 0, 255]);
        Image sheet = new ContactSheet { Columns = 2, Gap = 1, Scale = 2, Background = 9 }.Compose([red, blue, red]);
        Assert.Equal((7, 7), (sheet.Width, sheet.Height));
        Assert.Equal([9, 9, 9, 255, 0, 0, 255, 0, 0, 9, 9, 9, 0, 0, 255, 0, 0, 255, 9, 9, 9], sheet.Row(1).ToArray());
        Assert.Equal([9, 9, 9, 255, 0, 0, 255, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], sheet.Row(4).ToArray());
        Assert.Throws<ArgumentException>(() => new ContactSheet().Compose([]));
        Assert.Throws<ArgumentException>(() => new ContactSheet().Compose([red], ["a", "b"]));
    }

    [Fact]
    public void Captions_are_drawn_below_and_cut_to_the_width()
    {
        Image sheet = new ContactSheet { Gap = 2 }.Compose([new Image(24, 8)], ["a caption far too long"]);
        Assert.True(sheet.Height > 8 + 4);
        Assert.Contains(sheet.Pixels[(13 * 28 * 3)..], value => value != 255);
        Assert.Equal("ab..", BitmapFont.Fit("abcdefgh", 24));
        Assert.Equal("abc", BitmapFont.Fit("abc", 24));
    }

    [Fact]
    public void The_font_draws_every_character_and_clips_at_the_edges()
    {
        HashSet<string> shapes = [];
        for (char character = '!'; character <= '~'; character++)
        {
            Image image = new(6, 9);
            BitmapFont.Draw(image, character.ToString(), 0, 0, gray: 255);
            Assert.True(shapes.Add(Convert.ToHexString(image.Pixels)), $"'{character}' looks like another character.");
        }

        BitmapFont.Draw(new Image(3, 3), "clipped at ä", -4, -2, gray: 255, scale: 2);
    }
}
