using System.Text.RegularExpressions;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Models;

/// <summary>The tensors of a network under the names that transformers and timm publish them under.</summary>
internal static class PublishedNames
{
    /// <summary>A tensor as it stands in a file.</summary>
    public sealed record Stored(string Name, long[] Shape, float[] Values);

    /// <summary>Rules for names, first fit first; <c>{qkv}</c> in a name stands for the three that a joined tensor is divided into.</summary>
    private sealed record Naming((string Pattern, string Replacement)[] Rules, string[] Thirds);

    private static readonly (string, string)[] s_embeddings =
    [
        (@"^cls_token", "embeddings.cls_token"), (@"^mask_token", "embeddings.mask_token"), (@"^pos_embed", "embeddings.position_embeddings"),
        (@"^(register|storage)_tokens", "embeddings.register_tokens"),
    ];

    private static readonly Naming s_vit = new(
    [
        .. s_embeddings, (@"^patch_embed\.proj", "embeddings.patch_embeddings.projection"), (@"^norm", "layernorm"),
        (@"^blocks\.(\d+)\.norm1", "encoder.layer.$1.layernorm_before"), (@"^blocks\.(\d+)\.norm2", "encoder.layer.$1.layernorm_after"),
        (@"^blocks\.(\d+)\.attn\.qkv", "encoder.layer.$1.attention.attention.{qkv}"), (@"^blocks\.(\d+)\.attn\.proj", "encoder.layer.$1.attention.output.dense"),
        (@"^blocks\.(\d+)\.mlp\.fc1", "encoder.layer.$1.intermediate.dense"), (@"^blocks\.(\d+)\.mlp\.fc2", "encoder.layer.$1.output.dense"),
    ], ["query", "key", "value"]);

    private static readonly Naming s_dinov2 = new(
    [
        .. s_embeddings, (@"^patch_embed\.proj", "embeddings.patch_embeddings.projection"), (@"^norm", "layernorm"),
        (@"^blocks\.(\d+)\.attn\.qkv", "encoder.layer.$1.attention.attention.{qkv}"), (@"^blocks\.(\d+)\.attn\.proj", "encoder.layer.$1.attention.output.dense"),
        (@"^blocks\.(\d+)\.ls(\d)\.gamma", "encoder.layer.$1.layer_scale$2.lambda1"),
        (@"^blocks\.(\d+)\.mlp\.w12", "encoder.layer.$1.mlp.weights_in"), (@"^blocks\.(\d+)\.mlp\.w3", "encoder.layer.$1.mlp.weights_out"),
        (@"^blocks\.(\d+)", "encoder.layer.$1"),
    ], ["query", "key", "value"]);

    private static readonly Naming s_dinov3 = new(
    [
        .. s_embeddings, (@"^patch_embed\.proj", "embeddings.patch_embeddings"),
        (@"^blocks\.(\d+)\.attn\.qkv", "layer.$1.attention.{qkv}"), (@"^blocks\.(\d+)\.attn\.proj", "layer.$1.attention.o_proj"),
        (@"^blocks\.(\d+)\.ls(\d)\.gamma", "layer.$1.layer_scale$2.lambda1"),
        (@"^blocks\.(\d+)\.mlp\.(fc1|w2)", "layer.$1.mlp.up_proj"), (@"^blocks\.(\d+)\.mlp\.(fc2|w3)", "layer.$1.mlp.down_proj"), (@"^blocks\.(\d+)\.mlp\.w1", "layer.$1.mlp.gate_proj"),
        (@"^blocks\.(\d+)", "layer.$1"),
    ], ["q_proj", "k_proj", "v_proj"]);

    private static readonly Naming s_timm = new(
    [
        (@"^(register|storage)_tokens", "reg_token"), (@"^blocks\.(\d+)\.mlp\.w12", "blocks.$1.mlp.fc1"), (@"^blocks\.(\d+)\.mlp\.w3", "blocks.$1.mlp.fc2"),
    ], []);

    private static readonly Naming s_eva = new(
    [
        (@"^storage_tokens", "reg_token"), (@"^blocks\.(\d+)\.ls(\d)\.gamma", "blocks.$1.gamma_$2"), (@"^blocks\.(\d+)\.attn\.qkv\.bias", "blocks.$1.attn.{qkv}_bias"),
        (@"^blocks\.(\d+)\.mlp\.w1\.", "blocks.$1.mlp.fc1_g."), (@"^blocks\.(\d+)\.mlp\.w2\.", "blocks.$1.mlp.fc1_x."), (@"^blocks\.(\d+)\.mlp\.w3\.", "blocks.$1.mlp.fc2."),
    ], ["q", "k", "v"]);

    /// <summary>The network as transformers names it.</summary>
    /// <param name="family"><c>vit</c>, <c>dinov2</c>, <c>dinov2_with_registers</c>, <c>dinov3_vit</c> or <c>resnet</c>.</param>
    /// <param name="store">Its values.</param>
    public static List<Stored> HuggingFace(string family, ParameterStore store) => family switch
    {
        "vit" => Of(store, s_vit),
        "resnet" => ResNet(store),
        // No biases of keys, and periods are computed.
        "dinov3_vit" => [.. Of(store, s_dinov3).Where(tensor => !tensor.Name.EndsWith("k_proj.bias", StringComparison.Ordinal)).Select(tensor => tensor.Name.EndsWith("mask_token", StringComparison.Ordinal) ? tensor with { Shape = [1, .. tensor.Shape] } : tensor)],
        _ => Of(store, s_dinov2),
    };

    /// <summary>The network as timm names it.</summary>
    public static List<Stored> Timm(ParameterStore store)
    {
        bool isEva = store.All.Any(parameter => parameter.Name == "rope_embed.periods"), hasRegisters = store.All.Any(parameter => parameter.Name == "register_tokens");
        List<Stored> tensors = [.. Of(store, isEva ? s_eva : s_timm).Where(tensor => tensor.Name is not "mask_token" && !tensor.Name.EndsWith(".k_bias", StringComparison.Ordinal))];
        // With registers the position of the CLS token is part of the token.
        return !hasRegisters ? tensors : [.. tensors.Select(tensor => tensor.Name == "pos_embed"
            ? tensor with { Shape = [1, tensor.Shape[1] - 1, tensor.Shape[2]], Values = tensor.Values[(int)tensor.Shape[2]..] }
            : tensor)];
    }

    private static List<Stored> Of(ParameterStore store, Naming naming)
    {
        List<Stored> tensors = [];
        foreach (Parameter parameter in store.All.Where(parameter => !parameter.Name.EndsWith("bias_mask", StringComparison.Ordinal) && parameter.Name != "rope_embed.periods"))
        {
            string name = naming.Rules.FirstOrDefault(rule => Regex.IsMatch(parameter.Name, rule.Pattern)) is { Pattern: { } pattern, Replacement: { } replacement } ? Regex.Replace(parameter.Name, pattern, replacement) : parameter.Name;
            long[] shape = [.. parameter.Shape.Select(length => (long)length)];
            float[] values = parameter.Tensor.ToArray();
            if (!name.Contains("{qkv}", StringComparison.Ordinal))
            {
                tensors.Add(new(name, shape, values));
                continue;
            }

            int third = values.Length / 3;
            for (int i = 0; i < 3; i++)
                tensors.Add(new(name.Replace("{qkv}", naming.Thirds[i], StringComparison.Ordinal), [shape[0] / 3, .. shape[1..]], values[(i * third)..((i + 1) * third)]));
        }

        return tensors;
    }

    private static List<Stored> ResNet(ParameterStore store)
    {
        List<Stored> tensors = [];
        foreach (Parameter parameter in store.All)
        {
            string name = parameter.Name;
            if (Regex.Match(name, @"^layer(\d)\.(\d+)\.(conv|bn)(\d)\.(.*)") is { Success: true } unit)
                name = $"encoder.stages.{Before(unit, 1)}.layers.{unit.Groups[2]}.layer.{Before(unit, 4)}.{(unit.Groups[3].Value == "conv" ? "convolution" : "normalization")}.{unit.Groups[5]}";
            else if (Regex.Match(name, @"^layer(\d)\.(\d+)\.downsample\.(\d)\.(.*)") is { Success: true } shortcut)
                name = $"encoder.stages.{Before(shortcut, 1)}.layers.{shortcut.Groups[2]}.shortcut.{(shortcut.Groups[3].Value == "0" ? "convolution" : "normalization")}.{shortcut.Groups[4]}";
            else
                name = name.Replace("conv1.", "embedder.embedder.convolution.", StringComparison.Ordinal).Replace("bn1.", "embedder.embedder.normalization.", StringComparison.Ordinal);
            tensors.Add(new(name, [.. parameter.Shape.Select(length => (long)length)], parameter.Tensor.ToArray()));
        }

        return tensors;

        static int Before(Match match, int group) => match.Groups[group].Value[0] - '1';
    }
}
