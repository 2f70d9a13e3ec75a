using Dino.Ssl.Losses;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>BYOL's and SimSiam's losses against lightly, with the gradients of all of them together.</summary>
public class ByolLossFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("c_loss", name => name.StartsWith("byol_", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Losses_and_gradients_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Scope scope = CpuDevice.Shared.OpenScope();
        Tensor p0 = Upload("in.p0", learns: true), p1 = Upload("in.p1", learns: true);
        // A gradient that reached a target would be seen: the targets ask for one.
        Tensor z0 = Upload("buf.z0", learns: true), z1 = Upload("buf.z1", learns: true);
        (string Name, Tensor Value)[] outputs =
        [
            ("byol", CosineLoss.Byol(p0, p1, z0, z1)),
            ("neg_cosine_sym", CosineLoss.SimSiam(p0, p1, z0, z1)),
            ("mse_of_normalized", p0.Normalize().MeanSquaredError(z1.Detach().Normalize())),
            ("cosine_rows", p0.CosineSimilarity(z1.Detach())),
        ];
        Tensor total = scope.Full([], 0);
        foreach ((string name, Tensor value) in outputs)
        {
            golden.AssertMatches($"out.{name}", value.ToArray());
            total += (value * scope.Upload(golden.Singles($"up.{name}"), value.Shape)).Sum();
        }

        scope.Backward(total);
        golden.AssertMatches("grad.p0", p0.GradientToArray());
        golden.AssertMatches("grad.p1", p1.GradientToArray());
        Assert.False(z0.HasGradient || z1.HasGradient);

        Tensor Upload(string name, bool learns) => scope.Upload(golden.Singles(name), new Shape(golden.Shape(name)), learns);
    }

    [Fact]
    public void Rows_are_compared_one_to_one()
    {
        using Scope scope = CpuDevice.Shared.OpenScope();
        ShapeMismatchException error = Assert.Throws<ShapeMismatchException>(() => CosineLoss.NegativeCosine(scope.Full([4, 3], 1), scope.Full([1, 3], 1)));
        Assert.Contains("[4, 3]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[1, 3]", error.Message, StringComparison.Ordinal);
    }
}
