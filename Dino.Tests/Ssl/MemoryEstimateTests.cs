using Dino.Ssl.Training;

namespace Dino.Tests.Ssl;

/// <summary>Runs that cannot fit are refused before they fill the machine.</summary>
public class MemoryEstimateTests
{
    [Fact]
    public void A_run_that_cannot_fit_is_refused_with_the_options_that_help()
    {
        RunOptions run = new() { Data = "", Output = "", Dino = new DinoOptions { BatchSize = 1 << 20 } };
        string message = Assert.Throws<ArgumentException>(() => MemoryEstimate.Require(run, 44_000_000)).Message;
        Assert.Contains("--accumulate (1)", message, StringComparison.Ordinal);
        Assert.Contains("--batch-size", message, StringComparison.Ordinal);
        Assert.Contains("--out-dim", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_estimate_grows_with_the_batch_and_holds_the_parameters_five_times()
    {
        RunOptions Run(int batch) => new() { Data = "", Output = "", Dino = new DinoOptions { BatchSize = batch } };
        long one = MemoryEstimate.Of(Run(1), 44_000_000), four = MemoryEstimate.Of(Run(4), 44_000_000);
        const long Parameters = 5L * 4 * 44_000_000;
        // Everything else is proportional to the batch.
        Assert.Equal(4.0, (double)(four - Parameters) / (one - Parameters), 1e-6);
        Assert.InRange(one, Parameters, 2 * Parameters);
    }

    [Fact]
    public void A_batch_in_parts_is_estimated_as_one_part_and_the_pixels_of_all()
    {
        RunOptions Run(int batch, int parts) => new() { Data = "", Output = "", Dino = new DinoOptions { BatchSize = batch }, Accumulate = parts };
        long part = MemoryEstimate.Of(Run(16, 1), 44_000_000), parts = MemoryEstimate.Of(Run(64, 4), 44_000_000);
        const long PixelsOfAPicture = 4L * 3 * ((2 * 224 * 224) + (8 * 96 * 96));
        Assert.Equal(48 * PixelsOfAPicture, parts - part);
    }
}
