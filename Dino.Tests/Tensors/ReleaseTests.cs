using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Giving memory back early: it is reused, no result changes, and what is gone cannot be read by mistake.</summary>
public class ReleaseTests
{
    public static TheoryData<string> All => Devices.All;

    [Fact]
    public void Released_memory_serves_the_next_tensor_of_that_size()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor first = scope.Full([100], 1);
        nint address = first.View.Address;
        first.Release();
        Assert.Equal(address, scope.Empty([100]).View.Address);
        Assert.Contains("released", Assert.Throws<InvalidOperationException>(() => first.ToArray()).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => first + 1);
    }

    [Fact]
    public void Releasing_twice_hands_out_the_memory_once()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor x = scope.Full([100], 1);
        x.Release();
        x.Release();
        Assert.NotEqual(scope.Empty([100]).View.Address, scope.Empty([100]).View.Address);
    }

    [Theory, MemberData(nameof(All))]
    public void Gradients_have_the_same_bits_with_and_without_releases(string name)
    {
        using Device device = Devices.Create(name);
        foreach (Activation activation in new[] { Activation.Gelu, Activation.Relu })
        {
            float[][] kept = Gradients(device, activation, releases: false), released = Gradients(device, activation, releases: true);
            for (int i = 0; i < kept.Length; i++)
                Assert.Equal(kept[i], released[i]);
        }
    }

    [Fact]
    public void What_can_be_made_again_is_given_back_and_the_rest_stays()
    {
        using CpuDevice device = new(1);
        using TensorStore store = new(device, [[8, 8]], withGradients: true);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Use(store[0]) * 2, normed = x.LayerNorm(), projected = normed.Linear(store[0]), rooted = projected.Exp();
        Tensor sum = rooted.Sum();
        normed.Release();
        x.Release();
        rooted.Release();
        projected.Release();
        Assert.Throws<InvalidOperationException>(() => normed.ToArray());
        // The layer norm reads x, and the exponential its own result.
        Assert.Equal(64, x.ToArray().Length);
        Assert.Equal(64, rooted.ToArray().Length);
        scope.Backward(sum);
        Assert.All(store[0].GradientToArray(), gradient => Assert.True(float.IsFinite(gradient)));
    }

    [Fact]
    public void What_backward_reads_stays_also_without_a_gradient_of_its_own()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Upload([1f, 5, 2, 8, 3, 9, 4, 7], [4, 2], requiresGradient: true), teacher = scope.Full([2, 2], 1), centre = scope.Zeros([2]);
        Tensor indices = scope.Upload([2, 0], [2]), factors = scope.Upload([0.5f, 2], [2]), weight = scope.Full([2, 2], 0.3f);
        Tensor gathered = x.IndexSelect(0, indices), added = x.IndexAdd(0, indices, gathered);
        Tensor normed = added.BatchNorm(default, default, 1e-5f, out Tensor mean, out Tensor variance);
        Tensor loss = normed.Linear(weight, factors: factors).DinoLoss(teacher, centre, 0.1f, 0.05f, 2, out Tensor entropy);
        foreach (Tensor tensor in (Tensor[])[indices, factors, mean, variance, teacher, centre])
        {
            float[] before = tensor.ToArray();
            tensor.Release();
            scope.Full(tensor.Shape, float.NaN);
            Assert.Equal(before, tensor.ToArray());
        }

        entropy.Release();
        scope.Backward(loss);
        Assert.All(x.GradientToArray(), gradient => Assert.True(float.IsFinite(gradient)));
    }

    [Fact]
    public void Memory_that_two_tensors_show_stays()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Full([4], 3), detached = x.Detach(), reshaped = x.Reshape(2, 2);
        x.Release();
        detached.Release();
        scope.Full([4], 7);
        Assert.Equal([3, 3, 3, 3], x.ToArray());
        Assert.Equal([3, 3, 3, 3], reshaped.ToArray());
    }

    [Fact]
    public void Another_shape_of_a_released_tensor_is_released_too()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Full([4], 3), reshaped = x.Reshape(2, 2);
        reshaped.Release();
        Assert.Throws<InvalidOperationException>(() => x.ToArray());
        Assert.Throws<InvalidOperationException>(() => reshaped.ToArray());
    }

    [Fact]
    public void Tensors_of_a_store_stay()
    {
        using CpuDevice device = new(1);
        using TensorStore store = new(device, [[4]], withGradients: false);
        using Scope scope = device.OpenScope();
        scope.Use(store[0]).Release();
        store[0].Release();
        Assert.Equal(new float[4], store[0].ToArray());
    }

    [Fact]
    public void A_frame_does_not_hand_out_what_was_released_before_it()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor before = scope.Full([16], 1);
        nint address = before.View.Address;
        before.Release();
        using (scope.OpenFrame())
            Assert.NotEqual(address, scope.Empty([16]).View.Address);
        Assert.Equal(address, scope.Empty([16]).View.Address);
    }

    [Fact]
    public void A_frame_cannot_make_again_what_was_released_before_it()
    {
        using CpuDevice device = new(1);
        using TensorStore store = new(device, [[4, 4]], withGradients: true);
        using Scope scope = device.OpenScope();
        Tensor normed = scope.Use(store[0]).LayerNorm();
        using (scope.OpenFrame())
        {
            Tensor loss = normed.Linear(store[0]).Sum();
            normed.Release();
            Assert.Contains("frame", Assert.Throws<InvalidOperationException>(() => scope.Backward(loss)).Message, StringComparison.Ordinal);
        }
    }

    private static float[][] Gradients(Device device, Activation activation, bool releases)
    {
        using TensorStore store = new(device, [[7, 33], [33], [50, 33], [50], [33, 50], [33]], withGradients: true);
        for (int i = 0; i < store.Length; i++)
            device.Backend.RandomUniform(store[i].View, new RandomKey((ulong)i + 1), -1, 1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Use(store[0]), normed = x.LayerNorm(store[1], store[5]);
        Tensor hidden = normed.Linear(store[2], store[3], activation);
        if (releases)
            normed.Release();
        Tensor y = hidden.Linear(store[4], store[5], residual: x, factors: scope.Upload([0.5f, 0, 1, 2, 3, 1, 1], [7]));
        if (releases)
        {
            hidden.Release();
            // Takes the memory that was given back, so that a stale value would show.
            scope.Full(hidden.Shape, float.NaN);
            scope.Full(normed.Shape, float.NaN);
        }

        scope.Backward((y * y).Sum());
        return [.. Enumerable.Range(0, store.Length).Select(i => store[i].GradientToArray())];
    }
}
