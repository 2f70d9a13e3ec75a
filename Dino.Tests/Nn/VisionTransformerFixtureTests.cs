using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>The vision transformer against the official one: every output, at native and foreign sizes, with its weights.</summary>
public class VisionTransformerFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(FixtureStore.Names("b_dino_vit").Select(name => $"b_dino_vit/{name}"), Devices.Main);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Outputs_agree_with_the_official_network(string id, string deviceName)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Device device = Devices.Create(deviceName);
        JsonElement config = golden.Config;
        using ParameterStore store = new();
        VisionTransformer network = new(store.Root, new VisionTransformerOptions
        {
            ImageSize = config.GetProperty("img").GetInt32(),
            PatchSize = config.GetProperty("patch").GetInt32(),
            Width = config.GetProperty("dim").GetInt32(),
            Depth = config.GetProperty("depth").GetInt32(),
            Heads = config.GetProperty("heads").GetInt32(),
            MlpRatio = config.GetProperty("mlp_ratio").GetDouble(),
            QkvBias = config.GetProperty("qkv_bias").GetBoolean(),
            Classes = config.TryGetProperty("num_classes", out JsonElement classes) ? classes.GetInt32() : 0,
        });
        store.Allocate(device);
        FixtureWeights.LoadFile(store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
        int last = config.TryGetProperty("n_intermediate", out JsonElement n) ? n.GetInt32() : 4;

        foreach (JsonProperty size in config.GetProperty("sizes").EnumerateObject())
        {
            foreach (GradMode mode in new[] { GradMode.Record, GradMode.Off })
            {
                using Scope scope = device.OpenScope(mode);
                Tensor x = scope.Upload(golden.Singles($"in.{size.Name}"), new Shape(golden.Shape($"in.{size.Name}")));
                Dictionary<string, Tensor> outputs = new()
                {
                    ["cls"] = network.Forward(x),
                    ["pos"] = network.PositionsFor(scope, x.Shape[2], x.Shape[3]),
                    ["attn"] = network.LastSelfAttention(x),
                };
                foreach ((int i, Tensor layer) in network.IntermediateLayers(x, last).Index())
                    outputs[$"inter{i}"] = layer;
                foreach (string name in golden.Names.Where(name => name.StartsWith($"out.{size.Name}.", StringComparison.Ordinal)))
                    golden.AssertMatches(name, outputs[name[$"out.{size.Name}.".Length..]].ToArray());
            }
        }
    }
}
