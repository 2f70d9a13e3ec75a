using Dino.Tensors.Formats;

namespace Dino.Nn.Naming;

/// <summary>The names of timm's vision transformers where they are not the official ones: registers, DINOv3 (its Eva) and SwiGLU.</summary>
/// <remarks>What vision_transformer.py and eva.py make of official files; its ResNets have torchvision's names.</remarks>
internal static class TimmNames
{
    private const string Positions = "pos_embed";
    private const string Registers = "reg_token";

    private static readonly (string, string)[] s_thirds =
    [
        ("attn.q_bias", "0.bias"), ("attn.k_bias", "1.bias"), ("attn.v_bias", "2.bias"), ("attn.q_proj.", "0."), ("attn.k_proj.", "1."), ("attn.v_proj.", "2."),
    ];

    private static readonly (string, string)[] s_block = [("gamma_1", "ls1.gamma"), ("gamma_2", "ls2.gamma")];

    private static readonly (string, string)[] s_gated = [("mlp.fc1_g.", "mlp.w1."), ("mlp.fc1_x.", "mlp.w2."), ("mlp.fc2.", "mlp.w3.")];

    private static readonly (string, string)[] s_packed = [("mlp.fc1.", "mlp.w12."), ("mlp.fc2.", "mlp.w3.")];

    /// <summary>Collects the tensors. Official names stay what they are.</summary>
    /// <returns>Whether any name is not official.</returns>
    public static bool Map(IReadOnlyDictionary<string, TensorEntry> tensors, OfficialNames names)
    {
        bool isTimm = false;
        (string, string)[] feedForward = FeedForward(tensors);
        string registers = tensors.ContainsKey(Positions) ? "register_tokens" : "storage_tokens";
        foreach ((string name, TensorEntry entry) in tensors)
        {
            if (name == Registers)
                names.Add(registers, entry);
            else if (name == Positions && LacksClassToken(entry))
                names.View.Add(name, [1, entry.Shape[1] + 1, entry.Shape[2]], TensorPart.Zeros(entry.Shape[2]), TensorPart.Of(entry));
            else if (!TryAddToBlock(name, entry, feedForward, names))
                names.Add(name, entry);
            else
                isTimm = true;
            isTimm |= name == Registers;
        }

        return isTimm;
    }

    private static bool TryAddToBlock(string name, TensorEntry entry, (string, string)[] feedForward, OfficialNames names)
    {
        if (!NameParts.TrySplit(name, "blocks.", out string block, out string rest))
            return false;
        if (NameParts.Replace(rest, s_thirds) is { } third)
            names.AddThird($"blocks.{block}.attn.qkv.{third[2..]}", third[0] - '0', entry);
        else if ((NameParts.Replace(rest, s_block) ?? NameParts.Replace(rest, feedForward)) is { } renamed)
            names.Add($"blocks.{block}.{renamed}", entry);
        else
            return false;
        return true;
    }

    /// <summary>Positions of a square grid alone: no token before the patches has one. Zeros for it change nothing.</summary>
    private static bool LacksClassToken(TensorEntry positions)
    {
        if (positions.Shape is not [1, > 0 and < int.MaxValue, > 0])
            return false;
        long grid = (long)Math.Round(Math.Sqrt(positions.Shape[1]));
        return grid * grid == positions.Shape[1];
    }

    /// <summary>How the feed-forward part is named: with a gate of its own, with gate and values in one weight (twice as many rows as its result needs), or officially.</summary>
    private static (string, string)[] FeedForward(IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        if (tensors.ContainsKey("blocks.0.mlp.fc1_g.weight"))
            return s_gated;
        bool isPacked = tensors.GetValueOrDefault("blocks.0.mlp.fc1.weight") is { Shape: [var rows, _] } && tensors.GetValueOrDefault("blocks.0.mlp.fc2.weight") is { Shape: [_, var columns] } && rows == 2 * columns;
        return isPacked ? s_packed : [];
    }
}
