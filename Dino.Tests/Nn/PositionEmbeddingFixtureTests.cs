using System.Runtime.InteropServices;
using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Position embeddings at other grids than their own, against the official code of DINO and DINOv2: values and gradient.</summary>
public sealed class PositionEmbeddingFixtureTests
{
    public static TheoryData<string> FirstVersion => FixtureStore.Cases("a_posembed", IsFirst);

    public static TheoryData<string> SecondVersion => FixtureStore.Cases("a_posembed", name => !IsFirst(name));

    [FixtureTheory, MemberData(nameof(FirstVersion))]
    public void Embedding_agrees_with_dino(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        (int rows, int columns) = Target(golden);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using ParameterStore store = new();
            PositionEmbedding embedding = new(store.Root, golden.Config.GetProperty("grid").GetInt32(), golden.Shape("in.pos_embed")[2]);
            store.Allocate(device);
            device.Backend.Upload(MemoryMarshal.AsBytes(golden.Singles("in.pos_embed").AsSpan()), embedding.Weight.Tensor.View);
            using Scope scope = device.OpenScope();
            Check(golden, embedding.At(scope, rows, columns), embedding.Weight);
        }
    }

    [FixtureTheory, MemberData(nameof(SecondVersion))]
    public void Interpolation_agrees_with_dinov2(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        int grid = golden.Config.GetProperty("grid").GetInt32();
        (int rows, int columns) = Target(golden);
        bool antialias = golden.Config.GetProperty("antialias").GetBoolean();
        JsonElement scale = golden.Config.GetProperty("scale_factor");
        (double scaleY, double scaleX) = scale.ValueKind == JsonValueKind.Null ? (0, 0) : (scale[0].GetDouble(), scale[1].GetDouble());
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using Scope scope = device.OpenScope();
            Tensor embedding = scope.Upload(golden.Singles("in.pos_embed"), new Shape(golden.Shape("in.pos_embed")), requiresGradient: true);
            Tensor patches = embedding.Slice(1, 1).Reshape(1, grid, grid, -1);
            Tensor resized = patches.Resize2D(new Size2D(rows, columns), Interpolation.Bicubic, antialias, false, scaleY, scaleX);
            Check(golden, Tensor.Concat(1, embedding.Slice(1, 0, 1), resized.Reshape(1, rows * columns, -1)), embedding);
        }
    }

    private static void Check(FixtureCase golden, Tensor y, Tensor embedding)
    {
        Scope scope = Scope.Of(nameof(Check), y);
        golden.AssertMatches("out.y", y.ToArray());
        scope.Backward((y * scope.Upload(golden.Singles("up.y"), y.Shape)).Sum());
        golden.AssertMatches("grad.pos_embed", embedding.GradientToArray());
    }

    private static (int Rows, int Columns) Target(FixtureCase golden)
    {
        JsonElement target = golden.Config.GetProperty("target");
        return (target[0].GetInt32(), target[1].GetInt32());
    }

    private static bool IsFirst(string name) => name.StartsWith("dino_", StringComparison.Ordinal);
}
