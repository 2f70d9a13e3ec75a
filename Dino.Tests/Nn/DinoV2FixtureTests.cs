using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>The vision transformer with the options of DINOv2 against the official one: every output at native and foreign sizes, on all devices.</summary>
public sealed class DinoV2FixtureTests
{
    /// <summary>Blocks whose tokens the cases list without the norm: the first and the last.</summary>
    private const string Listed = "inter_list";

    public static TheoryData<string> Cases => FixtureStore.Cases("b_dinov2", name => !IsHead(name));

    public static TheoryData<string> Heads => FixtureStore.Cases("b_dinov2", IsHead);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Outputs_agree_with_the_official_network(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            VisionTransformer network = OfficialConfig.DinoV2(golden.Config).Build(store.Root);
            store.Allocate(device);
            FixtureWeights.LoadFile(store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
            foreach (string size in golden.Config.GetProperty("sizes").EnumerateObject().Select(size => size.Name))
            {
                // What is recorded for a gradient must not change a value, nor must the memory that is given back otherwise.
                foreach (GradMode mode in new[] { GradMode.Record, GradMode.Off })
                {
                    using Scope scope = device.OpenScope(mode);
                    Check(golden, network, scope, size);
                }
            }
        }
    }

    [FixtureTheory, MemberData(nameof(Heads))]
    public void Head_agrees_with_the_official_head(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            DinoHead head = new(store.Root, golden.Shape("in.x")[1], new DinoHeadOptions
            {
                Prototypes = golden.Shape("out.y")[1],
                Hidden = golden.Config.GetProperty("hidden_dim").GetInt32(),
                Bottleneck = golden.Config.GetProperty("bottleneck_dim").GetInt32(),
                Layers = golden.Config.GetProperty("nlayers").GetInt32(),
                FixedLength = false,
            });
            store.Allocate(device);
            FixtureWeights.LoadParameters(store, golden);
            using Scope scope = device.OpenScope();
            Tensor x = scope.Upload(golden.Singles("in.x"), new Shape(golden.Shape("in.x")), requiresGradient: true);
            Tensor y = head.Forward(x);
            golden.AssertMatches("out.y", y.ToArray());
            scope.Backward((y * scope.Upload(golden.Singles("up.y"), y.Shape)).Sum());
            golden.AssertMatches("grad.x", x.GradientToArray());
            FixtureWeights.AssertGradients(store, golden);
        }
    }

    private static void Check(FixtureCase golden, VisionTransformer network, Scope scope, string size)
    {
        Tensor x = scope.Upload(golden.Singles($"in.{size}"), new Shape(golden.Shape($"in.{size}")));
        TokenSequence tokens = network.Tokens(x);
        Dictionary<string, Func<Tensor>> outputs = new()
        {
            ["cls"] = () => network.Forward(x),
            ["pos"] = () => network.PositionsFor(scope, x.Shape[2], x.Shape[3]),
            ["x_norm_clstoken"] = () => tokens.Cls,
            ["x_norm_regtokens"] = () => tokens.Registers,
            ["x_norm_patchtokens"] = () => tokens.Patches,
            ["x_prenorm"] = () => network.TokensBeforeNorm(x),
        };
        if (golden.Has($"in.mask_{size}"))
        {
            TokenSequence masked = network.Tokens(x, FixtureMasks.Upload(scope, golden, $"in.mask_{size}"));
            outputs["masked.x_norm_clstoken"] = () => masked.Cls;
            outputs["masked.x_norm_patchtokens"] = () => masked.Patches;
        }

        foreach ((int i, TokenSequence layer) in network.IntermediateLayers(x, 2).Index())
        {
            outputs[$"inter{i}.patch"] = () => layer.Map;
            outputs[$"inter{i}.cls"] = () => layer.Cls;
        }

        foreach ((int i, TokenSequence layer) in network.IntermediateLayers(x, [0, network.Options.Depth - 1], norm: false).Index())
            outputs[$"{Listed}{i}.prenorm_patch"] = () => layer.Patches;
        string prefix = $"out.{size}.";
        foreach (string name in golden.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            golden.AssertMatches(name, outputs[name[prefix.Length..]]().ToArray());
    }

    private static bool IsHead(string name) => name.EndsWith("_head", StringComparison.Ordinal);
}
