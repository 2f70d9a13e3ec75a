using Dino.Ssl.Evaluation;

namespace Dino.Tests.Ssl;

/// <summary>Attention maps from weights worked out by hand.</summary>
public sealed class AttentionMapTests
{
    [Fact]
    public void The_mask_keeps_the_strongest_patches_that_hold_the_share()
    {
        // Ascending 0.1, 0.2, 0.3, 0.4: the sums 0.1 and 0.3 are within the 0.4 to be left out, 0.6 is not.
        Assert.Equal([false, true, false, true], AttentionMap.Mask([0.1f, 0.4f, 0.2f, 0.3f], 0.6));
        Assert.Equal([false, true, false, false], AttentionMap.Mask([1, 4, 2, 3], 0.3));
        Assert.Equal([true, true], AttentionMap.Mask([0.5f, 0.5f], 1));
    }

    [Fact]
    public void The_mean_is_taken_over_heads()
    {
        AttentionMap map = new([1, 2, 3, 4, 5, 6, 3, 2, 1, 0, 1, 2], rows: 2, columns: 3);
        Assert.Equal(2, map.Heads);
        Assert.Equal([4, 5, 6], map.Head(0)[3..].ToArray());
        Assert.Equal([2, 2, 2, 2, 3, 4], map.Mean());
    }

    [Fact]
    public void Weights_that_do_not_fill_the_grid_are_refused() =>
        Assert.Throws<ArgumentException>(() => new AttentionMap(new float[5], 2, 3));
}
