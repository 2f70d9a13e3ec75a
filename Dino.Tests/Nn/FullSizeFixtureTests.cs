using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Nn;

/// <summary>
/// Published networks at full size: features of the official code from weights that a formula gives, on all devices but an emulator; and names and shapes of every
/// parameter of the official constructors. Both build the network that is read off the names and shapes.
/// </summary>
public sealed class FullSizeFixtureTests
{
    private const string Group = "b_fullsize";
    private const string Manifests = "manifests";

    public static TheoryData<string> Cases => FixtureStore.Cases(Group, name => name != Manifests);

    public static TheoryData<string, string> Networks => Manifested(isHead: false);

    public static TheoryData<string, string> Heads => Manifested(isHead: true);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Features_agree_with_the_official_network(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement config = golden.Config;
        BackboneOptions options = Described(config);
        float[] pixels = HashedWeights.Values("input", 3L * Side(config, 2) * Side(config, 3), 1.7, 0, config.GetProperty("salt").GetUInt32());
        // At full size an emulator takes minutes; narrow networks of the same operations run on it. A GPU runs all.
        foreach (string name in Devices.Names.Where(name => name != "cuda" || Devices.HasGpu || options.Width < 256))
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            Backbone network = options.Build(store.Root);
            store.Allocate(device, withGradients: false, initialize: false);
            Assert.Equal(config.GetProperty("params").GetInt64(), store.Count);
            HashedWeights.Fill(store, config);
            using Scope scope = device.OpenScope(GradMode.Off);
            Tensor x = scope.Upload(pixels, [1, 3, Side(config, 2), Side(config, 3)]);
            golden.AssertMatches("out.cls", network.Forward(x).ToArray());
            if (network is not VisionTransformer transformer)
                continue;
            Dictionary<string, Func<Tensor>> outputs = new()
            {
                ["out.patch_mean"] = () => transformer.Tokens(x).Patches.Mean([1]),
                ["out.attn_cls"] = () => transformer.LastSelfAttention(x).Select(2, 0),
                ["out.inter_cls"] = () => Tensor.Stack(0, [.. transformer.IntermediateLayers(x, 4).Select(layer => layer.Cls)]),
            };
            foreach (string output in outputs.Keys.Where(golden.Has))
                golden.AssertMatches(output, outputs[output]().ToArray());
        }
    }

    [FixtureTheory, MemberData(nameof(Networks))]
    public void Names_and_shapes_are_those_of_the_official_constructor(string id, string network)
    {
        using FixtureCase manifests = FixtureStore.Open(id);
        JsonElement model = Models(manifests).Single(property => property.Name == network).Value;
        Dictionary<string, long[]> expected = model.GetProperty("state_dict").EnumerateObject()
            .ToDictionary(entry => entry.Name, entry => entry.Value.EnumerateArray().Select(length => length.GetInt64()).ToArray(), StringComparer.Ordinal);
        BackboneOptions? options = ArchitectureProbe.Probe(Entries(expected));
        Assert.NotNull(options);
        AssertSame(expected, model.GetProperty("params").GetInt64(), options);
        // The published names give the same parameters; a manifest's name is an official function's with its repository or a number of registers.
        string name = network.Replace("dino_vit_", "vit_", StringComparison.Ordinal).Replace("torchvision_", "", StringComparison.Ordinal).Replace("_reg4", "_reg", StringComparison.Ordinal);
        int patch = name.StartsWith("vit_", StringComparison.Ordinal) ? int.Parse(name[(name.LastIndexOf('_') + 1)..], System.Globalization.CultureInfo.InvariantCulture) : 0;
        BackboneOptions named = BackboneOptions.ByName(patch == 0 ? name : name[..name.LastIndexOf('_')]) with { Classes = options.Classes };
        Assert.Equal(patch == 0 ? named : named with { PatchSize = patch }, options);
    }

    [FixtureTheory, MemberData(nameof(Heads))]
    public void Names_and_shapes_of_a_head_are_those_of_the_official_constructor(string id, string network)
    {
        using FixtureCase manifests = FixtureStore.Open(id);
        JsonElement model = Models(manifests).Single(property => property.Name == network).Value;
        int[] sizes = [.. network.Split('_')[^2..].Select(size => int.Parse(size, System.Globalization.CultureInfo.InvariantCulture))];
        using ParameterStore store = new();
        _ = new DinoHead(store.Root, sizes[0], new DinoHeadOptions { Prototypes = sizes[1] });
        Assert.Equal(
            model.GetProperty("state_dict").EnumerateObject().Select(entry => $"{entry.Name} [{string.Join(", ", entry.Value.EnumerateArray())}]").Order(StringComparer.Ordinal),
            store.All.Select(parameter => parameter.ToString()).Order(StringComparer.Ordinal));
    }

    /// <summary>The manifest file and each network in it.</summary>
    private static TheoryData<string, string> Manifested(bool isHead)
    {
        TheoryData<string, string> data = [];
        foreach (string name in FixtureStore.Names(Group).Where(name => name == Manifests))
        {
            using FixtureCase manifests = new(FixtureStore.PathOf(Group, name));
            foreach (JsonProperty network in Models(manifests).Where(network => network.Name.Contains("_head_", StringComparison.Ordinal) == isHead))
                data.Add($"{Group}/{name}", network.Name);
        }

        return data;
    }

    private static JsonElement.ObjectEnumerator Models(FixtureCase manifests) => manifests.Json.GetProperty("models").EnumerateObject();

    private static int Side(JsonElement config, int axis) => config.GetProperty("input_shape")[axis].GetInt32();

    private static void AssertSame(Dictionary<string, long[]> expected, long count, BackboneOptions options)
    {
        using ParameterStore store = new();
        _ = options.Build(store.Root);
        Assert.Equal(
            expected.Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value)}]").Order(StringComparer.Ordinal),
            store.All.Select(parameter => parameter.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(count, store.Count);
    }

    /// <summary>The architecture of a case, with the constants that its list of weights leaves out.</summary>
    private static BackboneOptions Described(JsonElement config)
    {
        Dictionary<string, long[]> shapes = config.GetProperty("weights").EnumerateArray()
            .ToDictionary(weight => weight[0].GetString()!, weight => weight[1].EnumerateArray().Select(length => length.GetInt64()).ToArray(), StringComparer.Ordinal);
        bool isRotary = shapes.ContainsKey("storage_tokens");
        if (isRotary)
        {
            shapes["rope_embed.periods"] = [16];
            foreach (string bias in shapes.Keys.Where(key => key.EndsWith("qkv.bias", StringComparison.Ordinal)).ToArray())
                shapes[$"{bias}_mask"] = shapes[bias];
        }

        BackboneOptions? options = ArchitectureProbe.Probe(Entries(shapes));
        Assert.NotNull(options);
        // The recorded network is the constructor's, with its default epsilon; the published ones have another.
        return options is VisionTransformerOptions transformer && isRotary ? transformer with { Norm = NormKind.LayerNorm } : options;
    }

    private static Dictionary<string, TensorEntry> Entries(Dictionary<string, long[]> shapes) =>
        shapes.ToDictionary(shape => shape.Key, shape => new TensorEntry(shape.Key, "F32", shape.Value), StringComparer.Ordinal);
}
