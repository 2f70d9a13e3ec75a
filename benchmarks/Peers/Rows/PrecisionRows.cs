using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>The forward pass with weights of fewer bits beside our own in single precision.</summary>
internal static class PrecisionRows
{
    public const string Group = "precision";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        string weights = settings.Weights("vit_small") ?? "none";
        foreach (int threads in settings.Threads)
        {
            foreach (int batch in (int[])[1, 8])
            {
                foreach ((WeightFormat format, string name, double tolerance) in new[] { (WeightFormat.BF16, "bf16", 0.05), (WeightFormat.I8, "int8", 0.3) })
                {
                    Contender With(WeightFormat chosen) => ContenderFactory.Own(batch, "forward", "vit_small", batch, threads, weights, chosen);
                    // Tolerances on features of order 1, one by one; how alike the directions are is a test's affair.
                    yield return new Row(Group, $"ViT-S/16 in {name}, batch {batch}", threads, Unit.MillisecondsPerPicture, [With(format), With(WeightFormat.F32) with { Name = "Dino, fp32" }], tolerance);
                }
            }
        }
    }
}
