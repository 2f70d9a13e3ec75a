using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>The forward pass with small weights beside the same with F32 weights: what precision buys.</summary>
internal static class PrecisionRows
{
    public const string Group = "precision";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        string weights = settings.Weights("vit_small") ?? "none";
        foreach (int threads in settings.Threads)
        {
            foreach (WeightFormat format in (WeightFormat[])[WeightFormat.BF16, WeightFormat.I8])
            {
                foreach (int batch in (int[])[1, 8])
                {
                    Contender Own(WeightFormat weightFormat) => ContenderFactory.Own(batch, "forward", "vit_small", batch, threads, weights, weightFormat);
                    // Features of order 1: this finds another network, not the loss of precision, which the tests bound.
                    yield return new Row(Group, $"{format} weights, ViT-S/16, batch {batch}", threads, Unit.MillisecondsPerPicture, [Own(format), Own(WeightFormat.F32) with { Name = "F32 weights" }], 0.2);
                }
            }
        }
    }
}
