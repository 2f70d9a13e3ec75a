using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Nn;

/// <summary>ResNets against torchvision: evaluation, training forward, every gradient and the running statistics, on all devices.</summary>
public sealed class ResNetFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("b_resnet");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Outputs_gradients_and_statistics_agree_with_torchvision(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = Load(golden, device, withGradients: true, out ResNet network);
            CheckEvaluation(golden, network, device);

            using Scope scope = device.OpenScope();
            store.IsTraining = true;
            string batch = golden.Names.First(key => key.StartsWith("up.train_", StringComparison.Ordinal))["up.train_".Length..];
            Tensor y = network.Forward(Input(golden, scope, batch));
            golden.AssertMatches($"out.train_{batch}", y.ToArray());
            scope.Backward((y * scope.Upload(golden.Singles($"up.train_{batch}"), y.Shape)).Sum());
            FixtureWeights.AssertGradients(store, golden);
            foreach (Parameter buffer in store.Buffers.Where(buffer => golden.Has("out.after." + buffer.Name)))
                golden.AssertMatches("out.after." + buffer.Name, buffer.Tensor.ToArray());
        }
    }

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Packed_filters_give_the_same_features(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = Load(golden, device, withGradients: false, out ResNet network);
            store.PackWeights(WeightFormat.F32);
            CheckEvaluation(golden, network, device);
        }
    }

    private static void CheckEvaluation(FixtureCase golden, ResNet network, Device device)
    {
        foreach (string key in golden.Names.Where(key => key.StartsWith("out.eval_", StringComparison.Ordinal)))
        {
            foreach (GradMode mode in new[] { GradMode.Record, GradMode.Off })
            {
                using Scope scope = device.OpenScope(mode);
                Tensor x = Input(golden, scope, key["out.eval_".Length..]);
                golden.AssertMatches(key, network.Forward(x).ToArray());
                // Keeping the maps of the stages changes none of them.
                golden.AssertMatches(key, network.StageMaps(x)[^1].Mean([1, 2]).ToArray());
            }
        }
    }

    private static ParameterStore Load(FixtureCase golden, Device device, bool withGradients, out ResNet network)
    {
        JsonElement config = golden.Config;
        int[] layers = [.. config.GetProperty("layers").EnumerateArray().Select(layer => layer.GetInt32())];
        ResNetOptions options = OfficialConfig.ResNet(config.GetProperty("kind").GetString()!, layers, config.GetProperty("div").GetInt32(), config.GetProperty("stem").GetInt32());
        Assert.Equal(config.GetProperty("dim").GetInt32(), options.Width);
        ParameterStore store = new();
        network = options.Build(store.Root);
        store.Allocate(device, withGradients: withGradients);
        FixtureWeights.LoadFile(store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
        return store;
    }

    private static Tensor Input(FixtureCase golden, Scope scope, string name) => scope.Upload(golden.Singles($"in.{name}"), new Shape(golden.Shape($"in.{name}")));
}
