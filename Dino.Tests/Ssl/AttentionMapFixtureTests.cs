using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Attention maps and their mass threshold against the official visualisation script.</summary>
public class AttentionMapFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("g_eval", name => name.StartsWith("attention_map", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Heat_and_mask_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement config = golden.Config;
        int Integer(string name) => config.GetProperty(name).GetInt32();
        using ParameterStore store = new();
        VisionTransformer backbone = new(store.Root, new VisionTransformerOptions { ImageSize = Integer("img"), PatchSize = Integer("patch"), Width = Integer("dim"), Depth = Integer("depth"), Heads = Integer("heads") });
        store.Allocate(CpuDevice.Shared, withGradients: false);
        FixtureWeights.LoadParameters(store, golden, "model.");
        int[] shape = golden.Shape("in.image_tensor");
        AttentionMap map = AttentionMap.Of(new LoadedModel(backbone, new Preprocessing()), golden.Singles("in.image_tensor"), shape[1], shape[2]);
        double share = config.GetProperty("th").GetDouble();

        double[] heat = golden.Doubles("out.heat"), expectedMask = golden.Doubles("out.mask");
        float[] row = golden.Singles("in.attention_row");
        int patches = map.Rows * map.Columns;
        for (int head = 0; head < map.Heads; head++)
        {
            golden.AssertClose($"heat of head {head}", map.Head(head), heat.AsSpan(head * patches, patches), golden.Json.GetProperty("tolerances").GetProperty("out.heat").GetProperty("atol").GetDouble());
            bool[] exact = AttentionMap.Mask(row.AsSpan(head * patches, patches), share), own = AttentionMap.Mask(map.Head(head), share);
            int different = 0;
            for (int i = 0; i < patches; i++)
            {
                Assert.Equal(expectedMask[(head * patches) + i] != 0, exact[i]);
                different += own[i] != exact[i] ? 1 : 0;
            }

            // End to end the file allows one patch per head.
            Assert.True(different <= 1, $"{golden.Name}: {different} patches of head {head} differ.");
        }
    }
}
