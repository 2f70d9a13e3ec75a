using Dino.Imaging;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Matching;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Matching;

/// <summary>Matches of features whose places are known.</summary>
public class PatchMatchingTests
{
    private const int Rows = 9, Columns = 12, Width = 16;

    [Theory, InlineData(true), InlineData(false)]
    public void A_mirrored_and_shifted_copy_is_found_place_by_place(bool mutual)
    {
        PatchFeatures picture = Random(5);
        int Moved(int i) => (i / Columns * Columns) + ((2 * Columns) - 1 - (i % Columns) + 3) % Columns;
        float[] values = new float[picture.Values.Length];
        for (int i = 0; i < picture.Count; i++)
            picture.Values.AsSpan(i * Width, Width).CopyTo(values.AsSpan(Moved(i) * Width));
        PatchMatch[] found = PatchMatching.Find(CpuDevice.Shared, picture, picture with { Values = values }, mutual);
        Assert.Equal(Rows * Columns, found.Length);
        Assert.All(found, match => Assert.Equal(Moved(match.First), match.Second));
        // Unit rows in F32: their product with themselves is 1 but for the rounding of 16 terms.
        Assert.All(found, match => Assert.Equal(1, match.Similarity, 1e-5f));
    }

    [Fact]
    public void A_mutual_pair_is_the_best_of_both_and_the_best_come_first()
    {
        (PatchFeatures a, PatchFeatures b) = (Random(1), Random(2));
        PatchMatch[] found = PatchMatching.Find(CpuDevice.Shared, a, b), all = PatchMatching.Find(CpuDevice.Shared, a, b, mutual: false);
        Assert.Equal(a.Count, all.Length);
        Assert.InRange(found.Length, 1, a.Count - 1);
        Assert.All(found, match => Assert.Contains(match, all));
        Assert.Equal(found.OrderByDescending(match => match.Similarity), found);
        Assert.Equal(found.Length, found.Select(match => match.Second).Distinct().Count());
        float Cosine(int i, int j) => Enumerable.Range(0, Width).Sum(d => a.Values[(i * Width) + d] * b.Values[(j * Width) + d]);
        foreach (PatchMatch match in found)
        {
            Assert.Equal(match.Second, Enumerable.Range(0, b.Count).MaxBy(j => Cosine(match.First, j)));
            Assert.Equal(match.First, Enumerable.Range(0, a.Count).MaxBy(i => Cosine(i, match.Second)));
        }

        Assert.Throws<ArgumentException>(() => PatchMatching.Find(CpuDevice.Shared, a, new PatchFeatures([1, 0], 2, 1, 1)));
    }

    [Fact]
    public void Few_pairs_are_spread_over_the_picture_and_the_best_one_is_among_them()
    {
        PatchMatch[] matches = [.. Enumerable.Range(0, Rows * Columns).Select(i => new PatchMatch(i, i, 1 - (i / 1000f)))];
        PatchMatch[] spread = PatchMatching.Spread(matches, Rows, Columns, 12);
        Assert.Equal(12, spread.Length);
        Assert.Equal(matches[0], spread[0]);
        // Twelve of 108 patches leave a square of nine each: the sides of three are kept but for what falls off while packing them.
        foreach (PatchMatch one in spread)
            Assert.All(spread.Where(other => other != one), other => Assert.True(double.Hypot((one.First / Columns) - (other.First / Columns), (one.First % Columns) - (other.First % Columns)) >= 2));
        Assert.Equal(matches, PatchMatching.Spread(matches, Rows, Columns, 1000));
        Assert.Empty(PatchMatching.Spread([], Rows, Columns, 5));
    }

    [Fact]
    public void Lines_run_from_place_to_place()
    {
        Image left = new(640, 100), right = new(300, 200);
        Image sheet = MatchPicture.Draw(left, right, [(10, 50, 290, 150)]);
        Assert.Equal((8 + 640 + 24 + 300 + 8, 216), (sheet.Width, sheet.Height));
        // The left picture stands in the middle of the height of the right one: its line 50 is line 108 of the sheet.
        Assert.NotEqual([0, 0, 0], sheet.Row(108).Slice(3 * 18, 3).ToArray());
        Assert.NotEqual([0, 0, 0], sheet.Row(158).Slice(3 * (672 + 290), 3).ToArray());
        Assert.Equal([0, 0, 0], sheet.Row(70).Slice(3 * 200, 3).ToArray());
        Assert.NotEmpty(MatchPicture.Draw(new Image(1, 1), new Image(1, 1), []).Pixels);
    }

    private static PatchFeatures Random(int seed)
    {
        Random random = new(seed);
        float[] values = new float[Rows * Columns * Width];
        for (int i = 0; i < values.Length; i += Width)
        {
            double[] row = [.. Enumerable.Range(0, Width).Select(_ => random.NextDouble() - 0.5)];
            double norm = Math.Sqrt(row.Sum(value => value * value));
            for (int d = 0; d < Width; d++)
                values[i + d] = (float)(row[d] / norm);
        }

        return new PatchFeatures(values, Width, Rows, Columns);
    }
}
