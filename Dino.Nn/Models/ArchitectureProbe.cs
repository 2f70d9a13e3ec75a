using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>Reads the architecture of a vision transformer off the shapes of its weights.</summary>
public static class ArchitectureProbe
{
    /// <summary>Width of a head in every DINO vision transformer: heads cannot be seen in the weights.</summary>
    private const int HeadWidth = 64;

    /// <summary>The architecture, or null if these are not the weights of a DINO vision transformer.</summary>
    /// <param name="entries">Tensors by name, with backbone prefixes removed.</param>
    public static VisionTransformerOptions? Probe(IReadOnlyDictionary<string, TensorEntry> entries)
    {
        if (!entries.TryGetValue("patch_embed.proj.weight", out TensorEntry? patches) || patches.Shape.Count != 4 ||
            !entries.TryGetValue("pos_embed", out TensorEntry? positions) || positions.Shape.Count != 3)
            return null;
        (int width, int patch) = ((int)patches.Shape[0], (int)patches.Shape[2]);
        int grid = (int)Math.Round(Math.Sqrt(positions.Shape[1] - 1));
        int depth = 0;
        while (entries.ContainsKey($"blocks.{depth}.norm1.weight"))
            depth++;
        if (depth == 0 || !entries.TryGetValue("blocks.0.mlp.fc1.weight", out TensorEntry? hidden))
            return null;
        return new VisionTransformerOptions
        {
            Width = width,
            PatchSize = patch,
            Channels = (int)patches.Shape[1],
            ImageSize = grid * patch,
            Depth = depth,
            Heads = Math.Max(1, width / HeadWidth),
            MlpRatio = (double)hidden.Shape[0] / width,
            QkvBias = entries.ContainsKey("blocks.0.attn.qkv.bias"),
        };
    }
}
