using Dino.Tensors.Formats;

namespace Dino.Nn.Naming;

/// <summary>The names of vision transformers in Hugging Face's transformers: ViT, DINOv2 with and without registers, DINOv3.</summary>
/// <remarks>What modeling_vit.py, modeling_dinov2.py, modeling_dinov2_with_registers.py and modeling_dinov3_vit.py call their parts.</remarks>
internal static class HuggingFaceNames
{
    private const string Layer = "layer.";
    private const string Gate = ".mlp.gate_proj.weight";
    private const string MaskToken = "embeddings.mask_token";
    private const string Positions = "embeddings.position_embeddings";
    private const string Registers = "embeddings.register_tokens";

    /// <summary>What the patch projection is called tells the naming, and what stands before it the prefix of all names.</summary>
    private static readonly string[] s_patches = ["embeddings.patch_embeddings.projection.weight", "embeddings.patch_embeddings.proj.weight", "embeddings.patch_embeddings.weight"];

    /// <summary>A classifier, the pooler of a ViT, the decoder of masked modelling, and what older files hold of rotary positions.</summary>
    private static readonly string[] s_others = ["classifier.", "pooler.", "decoder.", "rope_embeddings."];

    private static readonly (string, string)[] s_thirds = [("query.", "0."), ("q_proj.", "0."), ("key.", "1."), ("k_proj.", "1."), ("value.", "2."), ("v_proj.", "2.")];

    private static readonly (string, string)[] s_top =
    [
        ("embeddings.patch_embeddings.projection.", "patch_embed.proj."), ("embeddings.patch_embeddings.proj.", "patch_embed.proj."), ("embeddings.patch_embeddings.", "patch_embed.proj."),
        ("embeddings.cls_token", "cls_token"), (Positions, "pos_embed"), ("layernorm.", "norm."), ("norm.", "norm."),
    ];

    private static readonly (string, string)[] s_block =
    [
        ("layernorm_before.", "norm1."), ("layernorm_after.", "norm2."), ("norm1.", "norm1."), ("norm2.", "norm2."),
        ("attention.output.dense.", "attn.proj."), ("attention.o_proj.", "attn.proj."),
        ("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma"),
        ("mlp.fc1.", "mlp.fc1."), ("mlp.fc2.", "mlp.fc2."), ("intermediate.dense.", "mlp.fc1."), ("output.dense.", "mlp.fc2."),
        ("mlp.weights_in.", "mlp.w12."), ("mlp.weights_out.", "mlp.w3."),
    ];

    private static readonly (string, string)[] s_plain = [("mlp.up_proj.", "mlp.fc1."), ("mlp.down_proj.", "mlp.fc2.")];

    private static readonly (string, string)[] s_gated = [("mlp.gate_proj.", "mlp.w1."), ("mlp.up_proj.", "mlp.w2."), ("mlp.down_proj.", "mlp.w3.")];

    /// <summary>Collects the tensors if they have these names.</summary>
    /// <returns>Whether they have.</returns>
    public static bool TryMap(IReadOnlyDictionary<string, TensorEntry> tensors, OfficialNames names)
    {
        if (Prefix(tensors.Keys) is not { } prefix)
            return false;
        bool isGated = tensors.Keys.Any(name => name.EndsWith(Gate, StringComparison.Ordinal));
        string registers = tensors.ContainsKey(prefix + Positions) ? "register_tokens" : "storage_tokens";
        foreach ((string name, TensorEntry entry) in tensors)
        {
            string bare = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            if (s_others.Any(other => bare.StartsWith(other, StringComparison.Ordinal)) || (bare == Registers && entry.Count == 0))
                names.LeftOut.Add(entry.Name);
            else if (bare == Registers)
                names.Add(registers, entry);
            else if (bare == MaskToken)
                names.Add("mask_token", entry, 1, entry.Shape.Count == 0 ? 0 : entry.Shape[^1]);
            else
                Add(bare, entry, isGated ? s_gated : s_plain, names);
        }

        return true;
    }

    private static void Add(string bare, TensorEntry entry, (string, string)[] feedForward, OfficialNames names)
    {
        // Networks keep their blocks in an encoder, in a model, or at the top.
        string inner = NameParts.Replace(bare, [("encoder.layer.", Layer), ("model.layer.", Layer)]) ?? bare;
        if (!NameParts.TrySplit(inner, Layer, out string block, out string rest))
        {
            names.Add(NameParts.Replace(bare, s_top) ?? bare, entry);
            return;
        }

        string attention = NameParts.Replace(rest, [("attention.attention.", ""), ("attention.", "")]) ?? "";
        if (NameParts.Replace(attention, s_thirds) is { } third)
            names.AddThird($"blocks.{block}.attn.qkv.{third[2..]}", third[0] - '0', entry);
        else
            names.Add($"blocks.{block}.{NameParts.Replace(rest, s_block) ?? NameParts.Replace(rest, feedForward) ?? rest}", entry);
    }

    private static string? Prefix(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (Array.Find(s_patches, patches => name.EndsWith(patches, StringComparison.Ordinal)) is { } patches)
                return name[..^patches.Length];
        }

        return null;
    }
}
