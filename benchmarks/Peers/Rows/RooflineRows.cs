using Dino.Benchmarks.Peers.Own;
using Dino.Nn;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>Our kernels, the whole forward pass and the whole training step beside what the machine can do at most.</summary>
internal static class RooflineRows
{
    public const string Group = "roofline";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        foreach (int threads in settings.Threads)
        {
            Contender peak = ContenderFactory.Own(PeakWorkload.Flops(threads), "peak", threads) with { Name = "limit" };
            foreach (Kernel kernel in Enum.GetValues<Kernel>())
            {
                KernelCost cost = KernelCost.Of(kernel);
                bool arithmetic = cost.Flops > 0;
                Contender limit = arithmetic ? peak : ContenderFactory.Own(StreamWorkload.BytesOfRun(cost.Traffic, cost.Floats), "stream", cost.Traffic, cost.Floats, threads) with { Name = "limit" };
                Contender own = ContenderFactory.Own(arithmetic ? cost.Flops : StreamWorkload.BytesOf(cost.Traffic, cost.Floats), "kernel", kernel, threads);
                yield return new Row(Group, $"{kernel}, {(arithmetic ? "multiply-adds" : "memory")}", threads, arithmetic ? Unit.Gflops : Unit.Gigabytes, [own, limit], double.PositiveInfinity);
            }

            VisionTransformerOptions small = VisionTransformerOptions.Small;
            yield return new Row(Group, "whole forward, ViT-S/16, batch 8", threads, Unit.Gflops,
                [ContenderFactory.Own(8 * Work.Forward(small, 224), "forward", "vit_small", 8, threads, "none", WeightFormat.F32), peak], double.PositiveInfinity);
            yield return new Row(Group, "whole training step, ViT-S/16, K 65536, batch 4", threads, Unit.Gflops,
                [ContenderFactory.Own(Work.TrainStep(TrainShape.Of("vit_small"), 65536, 4), "train", "vit_small", 65536, 4, threads), peak], double.PositiveInfinity);
        }
    }
}
