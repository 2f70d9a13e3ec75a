using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>An optimizer step that clips and is followed on its sweep, against the same done one after the other.</summary>
public sealed class OptimizerSweepTests
{
    private const float Bound = 3;
    private const double Momentum = 0.9;

    public static TheoryData<string> Names() => ["adamw", "sgd", "lars"];

    [Theory, MemberData(nameof(Names))]
    public void One_sweep_equals_clip_then_step_then_follow(string name)
    {
        using CpuDevice device = new(1);
        using ParameterStore together = Build(device), apart = Build(device), togetherFollower = Build(device), apartFollower = Build(device);
        using GradientClip togetherClip = new(together), apartClip = new(apart);
        using Optimizer togetherOptimizer = Optimizer.ByName(name, together), apartOptimizer = Optimizer.ByName(name, apart);
        for (int step = 0; step < 3; step++)
        {
            Differentiate(device, together);
            Differentiate(device, apart);
            togetherClip.Measure(Bound);
            apartClip.PerParameter(Bound);
            // As DINO drops the gradients of its last layer: after the norms are known.
            together.Values.DropGradient(1);
            apart.Values.DropGradient(1);
            togetherOptimizer.Step(0.1, 0.05, togetherClip, new Follower(togetherFollower, Momentum));
            apartOptimizer.Step(0.1, 0.05);
            device.Backend.Axpby((float)(1 - Momentum), apart.Values.Data, (float)Momentum, apartFollower.Values.Data);
        }

        // The bits of both ways agree but for the clip factor, which one forms from a norm in double and the other from one in F32: 2 ulp of an update of order 0.1.
        AssertNear(apart, together, 1e-6f);
        AssertNear(apartFollower, togetherFollower, 1e-6f);
        Assert.NotEqual(1f, together.Parameters[0].Tensor.ToArray()[0]);
        Assert.Equal(0, togetherOptimizer.Steps[1]);
    }

    [Fact]
    public void A_clipped_step_leaves_the_gradient_as_it_was()
    {
        using CpuDevice device = new(1);
        using ParameterStore store = Build(device);
        using GradientClip clip = new(store);
        using Sgd optimizer = new(store);
        Differentiate(device, store);
        float[] before = store.Parameters[0].Tensor.GradientToArray();
        clip.Measure(Bound);
        optimizer.Step(0.1, 0, clip, null);
        Assert.Equal(before, store.Parameters[0].Tensor.GradientToArray());
    }

    [Fact]
    public void A_gradient_that_was_not_measured_stops_the_step()
    {
        using CpuDevice device = new(1);
        using ParameterStore store = Build(device);
        using GradientClip clip = new(store);
        using Sgd optimizer = new(store);
        Differentiate(device, store);
        Assert.Contains("'first'", Assert.Throws<InvalidOperationException>(() => optimizer.Step(0.1, 0, clip, null)).Message);
        Assert.Equal(1f, store.Parameters[0].Tensor.ToArray()[0]);
    }

    [Fact]
    public void A_follower_of_another_size_is_refused()
    {
        using CpuDevice device = new(1);
        using ParameterStore store = Build(device), other = new();
        other.Root.Parameter("first", [1000], Initializer.Ones);
        other.Allocate(device);
        using Sgd optimizer = new(store);
        Assert.Throws<ShapeMismatchException>(() => optimizer.Step(0.1, 0, null, new Follower(other, Momentum)));
    }

    private static ParameterStore Build(CpuDevice device)
    {
        ParameterStore store = new();
        store.Root.Parameter("first", [4, 5], Initializer.Ones);
        store.Root.Parameter("dropped", [3, 2], Initializer.Ones);
        store.Root.Parameter("last", [70], Initializer.Ones);
        store.Allocate(device);
        return store;
    }

    /// <summary>Gradients of norm 13.4 (clipped), 7.3 (dropped) and 2.1 (as it is).</summary>
    private static void Differentiate(CpuDevice device, ParameterStore store)
    {
        store.ClearGradients();
        using Scope scope = device.OpenScope();
        IReadOnlyList<Parameter> parameters = store.Parameters;
        Tensor sum = (scope.Use(parameters[0]) * 3).Sum() + (scope.Use(parameters[1]) * 3).Sum() + (scope.Use(parameters[2]) * 0.25f).Sum();
        scope.Backward(sum);
    }

    private static void AssertNear(ParameterStore expected, ParameterStore actual, float tolerance)
    {
        for (int i = 0; i < expected.Parameters.Count; i++)
        {
            float[] wanted = expected.Parameters[i].Tensor.ToArray(), values = actual.Parameters[i].Tensor.ToArray();
            for (int k = 0; k < wanted.Length; k++)
                Assert.Equal(wanted[k], values[k], tolerance);
        }
    }
}
