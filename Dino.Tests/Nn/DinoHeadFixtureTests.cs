using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>The DINO head against the official one: training forward, every gradient, running statistics, evaluation forward.</summary>
public class DinoHeadFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(FixtureStore.Names("b_dino_head").Select(name => $"b_dino_head/{name}"), Devices.Main);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Forward_and_gradients_agree_with_the_official_head(string id, string deviceName)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Device device = Devices.Create(deviceName);
        JsonElement config = golden.Config;
        using ParameterStore store = new();
        DinoHead head = new(store.Root, config.GetProperty("in_dim").GetInt32(), new DinoHeadOptions
        {
            Prototypes = config.GetProperty("out_dim").GetInt32(),
            Hidden = config.GetProperty("hidden_dim").GetInt32(),
            Bottleneck = config.GetProperty("bottleneck_dim").GetInt32(),
            Layers = config.GetProperty("nlayers").GetInt32(),
            BatchNorm = config.GetProperty("use_bn").GetBoolean(),
            FixedLength = config.GetProperty("norm_last_layer").GetBoolean(),
        });
        store.Allocate(device);
        FixtureWeights.LoadParameters(store, golden);
        using Scope scope = device.OpenScope();

        store.IsTraining = true;
        Tensor x = scope.Upload(golden.Singles("in.x"), new Shape(golden.Shape("in.x")), requiresGradient: true);
        Tensor y = head.Forward(x);
        golden.AssertMatches("out.y", y.ToArray());
        scope.Backward((y * scope.Upload(golden.Singles("up.y"), y.Shape)).Sum());
        golden.AssertMatches("grad.x", x.GradientToArray());
        FixtureWeights.AssertGradients(store, golden);
        foreach (Parameter buffer in store.Buffers.Where(buffer => golden.Has("out.after." + buffer.Name)))
            golden.AssertMatches("out.after." + buffer.Name, buffer.Tensor.ToArray());

        store.IsTraining = false;
        golden.AssertMatches("out.y_eval", head.Forward(x).ToArray());
    }
}
