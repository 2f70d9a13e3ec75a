using System.Text.Json;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors.Ops;

/// <summary>A module of the official code as a function of its parameters and its input; the result is a tensor or a tuple of them.</summary>
internal delegate object TorchModule(Dictionary<string, object?> parameters, Tensor x);

/// <summary>The official modules, told apart by their configuration.</summary>
internal static class TorchModules
{
    public static TorchModule? Find(JsonElement config)
    {
        bool Has(string name) => config.TryGetProperty(name, out _);
        int Integer(string name) => config.GetProperty(name).GetInt32();
        return Has("heads") && Has("mlp_ratio") ? (p, x) => Block(p, x, Integer("heads"))
            : Has("heads") ? (p, x) => AttentionWithMaps(p, x, Integer("heads"))
            : Has("patch") ? (p, x) => PatchEmbedding(p, x, Integer("patch"))
            : Has("actual_hidden") ? (p, x) => SwiGlu(p, x)
            : Has("hidden") ? (p, x) => Mlp(p, x)
            : null;
    }

    private static Tensor Block(Dictionary<string, object?> p, Tensor x, int heads)
    {
        Tensor Norm(string name, Tensor input) => input.LayerNorm(Of(p, $"{name}.weight"), Of(p, $"{name}.bias"), 1e-6f);
        x += Linear(p, "attn.proj", Linear(p, "attn.qkv", Norm("norm1", x)).Attention(heads));
        return x + Mlp(p, Norm("norm2", x), "mlp.");
    }

    /// <summary>The fused attention gives y; its maps carry no gradient, so the ones that do are composed.</summary>
    private static List<object?> AttentionWithMaps(Dictionary<string, object?> p, Tensor x, int heads)
    {
        Tensor qkv = Linear(p, "qkv", x);
        (int batch, int tokens, int width) = (x.Shape[0], x.Shape[1], qkv.Shape[2] / (3 * heads));
        Tensor packed = qkv.Reshape(batch, tokens, 3, heads, width).Permute(2, 0, 3, 1, 4);
        Tensor maps = (packed.Select(0, 0) * (1 / MathF.Sqrt(width))).MatMul(packed.Select(0, 1), transposeOther: true).Softmax();
        return [Linear(p, "proj", qkv.Attention(heads)), maps];
    }

    private static Tensor PatchEmbedding(Dictionary<string, object?> p, Tensor x, int size)
    {
        Tensor weight = Of(p, "proj.weight");
        return x.ToPatches(size).Linear(weight.Reshape(weight.Shape[0], -1), Of(p, "proj.bias"));
    }

    private static Tensor SwiGlu(Dictionary<string, object?> p, Tensor x) => Linear(p, "w3", Linear(p, "w12", x).SwiGlu());

    private static Tensor Mlp(Dictionary<string, object?> p, Tensor x, string prefix = "") =>
        Linear(p, $"{prefix}fc2", Linear(p, $"{prefix}fc1", x, Activation.Gelu));

    private static Tensor Linear(Dictionary<string, object?> p, string name, Tensor x, Activation activation = Activation.Identity) =>
        x.Linear(Of(p, $"{name}.weight"), Of(p, $"{name}.bias"), activation);

    private static Tensor Of(Dictionary<string, object?> p, string name) => p.GetValueOrDefault(name) is Tensor tensor ? tensor : default;
}
