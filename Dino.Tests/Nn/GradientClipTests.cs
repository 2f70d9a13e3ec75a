using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Norms of gradients, as observers read them after a step.</summary>
public sealed class GradientClipTests
{
    [Fact]
    public void Norms_outlive_the_gradients_they_were_measured_on()
    {
        using CpuDevice device = new(1);
        using ParameterStore store = new();
        Parameter first = store.Root.Parameter("first", [4], Initializer.Ones), second = store.Root.Parameter("second", [4], Initializer.Ones);
        store.Allocate(device);
        using (Scope scope = device.OpenScope())
            scope.Backward((scope.Use(first) * 3 + scope.Use(second) * 5).Sum());
        using GradientClip clip = new(store);
        clip.PerParameter(0);
        store.Values.DropGradient(first.Index);
        clip.ReadNorms();
        // Four equal elements: the norm is twice one of them, exactly.
        Assert.Equal([6f, 10f], clip.Norms.ToArray());
    }
}
