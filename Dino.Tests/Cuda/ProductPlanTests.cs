using Dino.Cuda;

namespace Dino.Tests.Cuda;

public sealed class ProductPlanTests
{
    private const int Multiprocessors = 132;

    [Theory]
    [InlineData(44160, 1536, 384, 1, 128, 1)]
    [InlineData(197, 384, 1536, 1, 64, 6)]
    [InlineData(384, 1536, 44160, 1, 128, 8)]
    [InlineData(192, 192, 44160, 1, 128, 63)]
    [InlineData(197, 64, 197, 384, 64, 1)]
    [InlineData(1, 65536, 256, 1, 32, 1)]
    [InlineData(1, 197, 64, 384, 32, 1)]
    public void Large_products_get_large_tiles_and_long_sums_of_few_results_are_divided(int m, int n, int k, int matrices, int tile, int parts)
    {
        ProductPlan plan = ProductPlan.Choose(m, n, k, matrices, Multiprocessors);
        Assert.Equal((tile, parts), (plan.Tile, plan.Parts));
    }

    [Fact]
    public void Parts_cover_the_summed_length_and_none_is_empty()
    {
        for (int k = 0; k < 20000; k = (k * 9 / 8) + 1)
        {
            foreach (int side in (int[])[1, 33, 65, 129, 1000])
            {
                ProductPlan plan = ProductPlan.Choose(side, side, k, 1, Multiprocessors);
                Assert.Equal(0, plan.PartDepth % ProductPlan.Step);
                Assert.True((long)plan.Parts * plan.PartDepth >= k, $"{side} {k}: {plan}");
                Assert.True(k == 0 || (plan.Parts - 1) * plan.PartDepth < k, $"{side} {k}: {plan}");
            }
        }
    }
}
