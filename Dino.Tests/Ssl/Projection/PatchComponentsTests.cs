using Dino.Imaging;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Plots;
using Dino.Ssl.Projection;

namespace Dino.Tests.Ssl.Projection;

/// <summary>Colours of patches whose features were made up: a thing in the middle, ground around it.</summary>
public class PatchComponentsTests
{
    private const int Rows = 6, Columns = 8, Width = 5;

    [Fact]
    public void The_foreground_is_the_thing_in_the_middle_and_inverted_the_rest()
    {
        PatchFeatures[] pictures = [Picture(1), Picture(2)];
        PatchComponents found = PatchComponents.Of(pictures, new PatchComponentsOptions { SplitsForeground = true });
        PatchComponents inverted = PatchComponents.Of(pictures, new PatchComponentsOptions { SplitsForeground = true, Inverts = true });
        for (int picture = 0; picture < 2; picture++)
        {
            Assert.Equal(Enumerable.Range(0, Rows * Columns).Select(IsThing), found.ForegroundOf(picture));
            Assert.Equal(Enumerable.Range(0, Rows * Columns).Select(i => !IsThing(i)), inverted.ForegroundOf(picture));
        }

        // Most of the variance is between thing and ground; that of the noise remains within the thing.
        Assert.InRange(found.Whole.Share(0), 0.9, 1);
        Assert.InRange(found.Foreground!.Share(0), 0.2, 0.9);
        Assert.Throws<ArgumentException>(() => PatchComponents.Of(pictures, new PatchComponentsOptions { SplitsForeground = true, Threshold = 0.9999 }));
    }

    [Fact]
    public void A_threshold_of_zero_takes_everything()
    {
        PatchComponents found = PatchComponents.Of([Picture(1)], new PatchComponentsOptions { SplitsForeground = true, Threshold = 0 });
        Assert.DoesNotContain(false, found.ForegroundOf(0));
        Assert.Equal(found.Whole.Variances, found.Foreground!.Variances);
    }

    [Fact]
    public void Pictures_share_their_colours()
    {
        PatchFeatures one = Picture(1);
        PatchComponents found = PatchComponents.Of([one, one, Picture(7)]);
        Assert.Equal(found.Colours(0, Columns, Rows).Pixels, found.Colours(1, Columns, Rows).Pixels);
        Assert.NotEqual(found.Colours(0, Columns, Rows).Pixels, found.Colours(2, Columns, Rows).Pixels);
        // Red is the first component, in units of its deviation: the logistic function of twice that.
        float[] first = found.Map(2, 0);
        byte[] pixels = found.Colours(2, Columns, Rows).Pixels;
        for (int i = 0; i < first.Length; i++)
            Assert.InRange(pixels[3 * i], (255 / (1 + Math.Exp(-2 * first[i]))) - 0.51, (255 / (1 + Math.Exp(-2 * first[i]))) + 0.51);
    }

    [Fact]
    public void The_ground_shows_a_pale_picture_and_the_thing_its_colours()
    {
        PatchComponents found = PatchComponents.Of([Picture(3)], new PatchComponentsOptions { SplitsForeground = true });
        Image seen = new(4 * Columns, 4 * Rows);
        Image flat = found.ForegroundColours(0, seen), smooth = found.ForegroundColours(0, seen, Upsampling.Bilinear);
        // Black becomes a quarter of black on white.
        Assert.Equal([191, 191, 191], flat.Row(0)[..3].ToArray());
        Assert.Contains(Enumerable.Range(0, 32), x => flat.Row(12)[3 * x] != flat.Row(12)[(3 * x) + 1]);
        Assert.NotEqual(flat.Pixels, smooth.Pixels);
        Assert.Throws<InvalidOperationException>(() => PatchComponents.Of([Picture(3)]).ForegroundColours(0, seen));
    }

    [Fact]
    public void The_sheet_has_a_panel_for_everything()
    {
        PatchComponents found = PatchComponents.Of([Picture(3)], new PatchComponentsOptions { SplitsForeground = true, Components = 4 });
        Image sheet = found.Sheet([new Image(80, 60)], ["thing.png"], maps: 4);
        // Input, colours, foreground and four maps, 480 wide each, with gaps of 8.
        Assert.Equal((7 * 488) + 8, sheet.Width);
        Assert.Throws<ArgumentException>(() => found.Sheet([], []));
        Assert.Throws<ArgumentException>(() => found.Sheet([new Image(80, 60)], ["thing.png"], maps: 5));
    }

    [Fact]
    public void Patches_that_are_all_alike_are_grey_and_too_few_are_refused()
    {
        PatchFeatures flat = new(new float[Rows * Columns * 2], 2, Rows, Columns);
        PatchComponents found = PatchComponents.Of([flat], new PatchComponentsOptions { SplitsForeground = true });
        Assert.All(found.Colours(0, Columns, Rows).Pixels, value => Assert.Equal(128, value));
        Assert.Throws<ArgumentException>(() => PatchComponents.Of([new PatchFeatures([1, 2, 3], 1, 1, 3)]));
        Assert.Throws<ArgumentException>(() => PatchComponents.Of([flat, Picture(1)]));
    }

    private static bool IsThing(int patch) => patch / Columns is >= 2 and <= 4 && patch % Columns is >= 2 and <= 5;

    /// <summary>Two far groups of features with noise of a tenth of their distance.</summary>
    private static PatchFeatures Picture(int seed)
    {
        Random random = new(seed);
        return new PatchFeatures([.. from i in Enumerable.Range(0, Rows * Columns) from d in Enumerable.Range(0, Width) select (float)((IsThing(i) ? 1 : -1) * (d % 2 == 0 ? 5 : -5) + random.NextDouble())], Width, Rows, Columns);
    }
}
