using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Backbone and head over several resolutions against the official multi-crop wrapper, with every gradient.</summary>
public class MultiCropFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(FixtureStore.Names("b_multicrop").Select(name => $"b_multicrop/{name}"), Devices.Main);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Output_and_gradients_agree(string id, string deviceName)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Device device = Devices.Create(deviceName);
        JsonElement config = golden.Config;
        int Integer(string name) => config.GetProperty(name).GetInt32();
        using DinoNetwork network = new(
            new VisionTransformerOptions { ImageSize = Integer("img"), PatchSize = Integer("patch"), Width = Integer("dim"), Depth = Integer("depth"), Heads = Integer("heads") },
            new DinoHeadOptions { Prototypes = Integer("out_dim"), Hidden = Integer("hidden_dim"), Bottleneck = Integer("bottleneck_dim"), FixedLength = config.GetProperty("nll").GetBoolean() });
        network.Store.Allocate(device).IsTraining = true;
        FixtureWeights.LoadFile(network.Store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"));
        using Scope scope = device.OpenScope();

        Tensor[] crops = [.. golden.Names.Where(name => name.StartsWith("in.crop", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(name => scope.Upload(golden.Singles(name), new Shape(golden.Shape(name))))];
        List<Tensor> groups = [];
        for (int start = 0; start < crops.Length;)
        {
            int end = start + 1;
            while (end < crops.Length && crops[end].Shape[-1] == crops[start].Shape[-1])
                end++;
            groups.Add(Tensor.Concat(0, crops.AsSpan(start..end)));
            start = end;
        }

        Tensor y = network.Forward([.. groups]);
        golden.AssertMatches("out.y", y.ToArray());
        scope.Backward((y * scope.Upload(golden.Singles("up.y"), y.Shape)).Sum());
        FixtureWeights.AssertGradients(network.Store, golden);
    }
}
