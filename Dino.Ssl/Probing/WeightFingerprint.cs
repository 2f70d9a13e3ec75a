using Dino.Nn;

namespace Dino.Ssl.Probing;

/// <summary>Tells networks of the same architecture apart: a classifier learned on the features of one is of no use with another.</summary>
internal static class WeightFingerprint
{
    // FNV-1a, 64 bits: no cryptography, only a mark.
    private const ulong Start = 14695981039346656037, Prime = 1099511628211;

    /// <summary>A mark of the values, 16 hexadecimal digits, the same for every precision that weights are stored in.</summary>
    /// <remarks>Weights of linear layers, which may be packed, are left out: norms, biases, positions and running statistics differ as well.</remarks>
    public static string Of(Backbone network)
    {
        ulong mark = Start;
        foreach (Parameter parameter in network.Store.All.Where(IsMarked))
        {
            foreach (float value in parameter.Tensor.ToArray())
                mark = (mark ^ BitConverter.SingleToUInt32Bits(value)) * Prime;
        }

        return mark.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    // Old files lack the counter of batches.
    private static bool IsMarked(Parameter parameter) => !parameter.IsLinearWeight && !parameter.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal);
}
