using Dino.Nn;

namespace Dino.Ssl.Training;

/// <summary>How much memory a training step will need, before it is tried.</summary>
public static class MemoryEstimate
{
    /// <summary>Values per parameter: student, gradient, two moments, teacher.</summary>
    private const int CopiesOfParameters = 5;

    /// <summary>Bytes of a step: parameters, pixels of all views, and of a part of the batch activations, logits and their gradients. Within about a quarter of what is used.</summary>
    /// <param name="run">The run.</param>
    /// <param name="parameters">Parameters of one network.</param>
    public static long Of(RunOptions run, long parameters)
    {
        BackboneOptions network = run.Dino.Network;
        DinoHeadOptions head = run.Dino.Head;
        int views = run.Crops.ViewCount, part = BatchParts.SizeOf(run.Dino.BatchSize, run.Accumulate);
        double pixels = run.Dino.BatchSize * 3.0 * ((2 * Math.Pow(run.Crops.GlobalSize, 2)) + (run.Crops.LocalCrops * Math.Pow(run.Crops.LocalSize, 2)));
        double activations = part * ((2 * network.TrainingValues(run.Crops.GlobalSize)) + (run.Crops.LocalCrops * network.TrainingValues(run.Crops.LocalSize)));
        double logits = (double)part * head.Prototypes * ((2 * views) + 2);
        double hidden = (double)part * views * head.Hidden * 4 * head.Layers;
        return (long)(sizeof(float) * ((CopiesOfParameters * (double)parameters) + pixels + activations + logits + hidden));
    }

    /// <summary>Refuses a run that cannot fit the device.</summary>
    /// <param name="run">The run.</param>
    /// <param name="parameters">Parameters of one network.</param>
    /// <param name="available">Bytes of memory of the device; by default those of the machine, for the CPU.</param>
    /// <exception cref="ArgumentException">More memory is needed than there is; names the options that help.</exception>
    public static void Require(RunOptions run, long parameters, long? available = null)
    {
        long needed = Of(run, parameters), present = available ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (needed > present)
        {
            throw new ArgumentException($"A step needs about {needed / 1e9:f1} GB of memory, this {(available is null ? "machine" : "device")} has {present / 1e9:f1} GB. " +
                $"Raise --accumulate ({run.Accumulate}), or lower --batch-size ({run.Dino.BatchSize}), --out-dim ({run.Dino.Head.Prototypes}), --local-crops ({run.Crops.LocalCrops}) or the network.");
        }
    }
}
