using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>The vision transformer against the official one: every output, at native and foreign sizes, on all devices.</summary>
public class VisionTransformerFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("b_dino_vit");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Outputs_agree_with_the_official_network(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            VisionTransformer network = Load(golden, store, device);
            foreach (string size in Sizes(golden))
            {
                foreach (GradMode mode in new[] { GradMode.Record, GradMode.Off })
                {
                    using Scope scope = device.OpenScope(mode);
                    Check(golden, network, scope, size);
                }
            }
        }
    }

    /// <summary>Names of the picture sizes of a case.</summary>
    internal static IEnumerable<string> Sizes(FixtureCase golden) => golden.Config.GetProperty("sizes").EnumerateObject().Select(size => size.Name);

    /// <summary>The network of a case with its weights.</summary>
    internal static VisionTransformer Load(FixtureCase golden, ParameterStore store, Device device)
    {
        JsonElement config = golden.Config;
        VisionTransformerOptions options = new()
        {
            ImageSize = config.GetProperty("img").GetInt32(),
            PatchSize = config.GetProperty("patch").GetInt32(),
            Width = config.GetProperty("dim").GetInt32(),
            Depth = config.GetProperty("depth").GetInt32(),
            Heads = config.GetProperty("heads").GetInt32(),
            MlpRatio = config.GetProperty("mlp_ratio").GetDouble(),
            QkvBias = config.GetProperty("qkv_bias").GetBoolean(),
            Classes = config.TryGetProperty("num_classes", out JsonElement classes) ? classes.GetInt32() : 0,
        };
        VisionTransformer network = options.Build(store.Root);
        store.Allocate(device);
        FixtureWeights.LoadFile(store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
        return network;
    }

    private static void Check(FixtureCase golden, VisionTransformer network, Scope scope, string size)
    {
        int last = golden.Config.TryGetProperty("n_intermediate", out JsonElement n) ? n.GetInt32() : 4;
        Tensor x = scope.Upload(golden.Singles($"in.{size}"), new Shape(golden.Shape($"in.{size}")));
        Dictionary<string, Tensor> outputs = new()
        {
            ["cls"] = network.Forward(x),
            ["pos"] = network.PositionsFor(scope, x.Shape[2], x.Shape[3]),
            ["attn"] = network.LastSelfAttention(x),
        };
        foreach ((int i, TokenSequence layer) in network.IntermediateLayers(x, last).Index())
            outputs[$"inter{i}"] = layer;
        string prefix = $"out.{size}.";
        foreach (string name in golden.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            golden.AssertMatches(name, outputs[name[prefix.Length..]].ToArray());
    }
}
