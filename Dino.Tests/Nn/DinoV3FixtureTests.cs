using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>The vision transformer with the options of DINOv3 against the official one: every output at native and foreign sizes, on all devices.</summary>
public sealed class DinoV3FixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("b_dinov3");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Outputs_agree_with_the_official_network(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            VisionTransformer network = OfficialConfig.DinoV3(golden.Config).Build(store.Root);
            store.Allocate(device);
            float[] periods = store["rope_embed.periods"].Tensor.ToArray();
            FixtureWeights.LoadFile(store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
            // What the network computes for itself is what the file holds: powers are rounded once.
            foreach ((float own, float loaded) in periods.Zip(store["rope_embed.periods"].Tensor.ToArray()))
                Assert.Equal(loaded, own, 2e-7f * loaded);
            foreach (string size in golden.Config.GetProperty("sizes").EnumerateObject().Select(size => size.Name))
            {
                foreach (GradMode mode in new[] { GradMode.Record, GradMode.Off })
                {
                    using Scope scope = device.OpenScope(mode);
                    Check(golden, network, scope, size);
                }
            }
        }
    }

    private static void Check(FixtureCase golden, VisionTransformer network, Scope scope, string size)
    {
        Tensor x = scope.Upload(golden.Singles($"in.{size}"), new Shape(golden.Shape($"in.{size}")));
        TokenSequence tokens = network.Tokens(x);
        Tensor turns = network.TurnsFor(scope, x.Shape[2], x.Shape[3]);
        // The official tables hold every angle twice, once for each half of a head.
        Dictionary<string, Func<Tensor>> outputs = new()
        {
            ["cls"] = () => network.Forward(x),
            ["x_norm_patchtokens"] = () => tokens.Patches,
            ["x_storage_tokens"] = () => tokens.Registers,
            ["rope_cos"] = () => turns.Select(0, 0).Repeat(1, 2),
            ["rope_sin"] = () => turns.Select(0, 1).Repeat(1, 2),
            ["inter0"] = () => network.IntermediateLayers(x, 1)[0].Map,
        };
        if (golden.Has($"in.mask_{size}"))
        {
            TokenSequence masked = network.Tokens(x, FixtureMasks.Upload(scope, golden, $"in.mask_{size}"));
            outputs["masked.cls"] = () => masked.Cls;
            outputs["masked.patch"] = () => masked.Patches;
        }

        string prefix = $"out.{size}.";
        foreach (string name in golden.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            golden.AssertMatches(name, outputs[name[prefix.Length..]]().ToArray());
    }
}
