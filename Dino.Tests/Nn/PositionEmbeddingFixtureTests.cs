using System.Runtime.InteropServices;
using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Position embeddings at other grids than their own, against the official code of DINO and DINOv2: values and gradient.</summary>
public sealed class PositionEmbeddingFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("a_posembed");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Embedding_and_gradient_agree_with_the_official_code(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement config = golden.Config, target = config.GetProperty("target");
        // Cases of DINO do not state what it has no option for.
        bool antialias = config.TryGetProperty("antialias", out JsonElement flag) && flag.GetBoolean();
        double offset = config.TryGetProperty("offset", out JsonElement number) ? number.GetDouble() : 0.1;
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            PositionEmbedding embedding = new(store.Root, config.GetProperty("grid").GetInt32(), golden.Shape("in.pos_embed")[2], antialias, offset);
            store.Allocate(device);
            device.Backend.Upload(MemoryMarshal.AsBytes(golden.Singles("in.pos_embed").AsSpan()), embedding.Weight.Tensor.View);
            using Scope scope = device.OpenScope();
            Tensor y = embedding.At(scope, target[0].GetInt32(), target[1].GetInt32());
            golden.AssertMatches("out.y", y.ToArray());
            scope.Backward((y * scope.Upload(golden.Singles("up.y"), y.Shape)).Sum());
            golden.AssertMatches("grad.pos_embed", embedding.Weight.Tensor.GradientToArray());
        }
    }
}
