using System.Numerics.Tensors;
using Dino.Tensors;
using Tensor = Dino.Tensors.Tensor;

namespace Dino.Tests.Tensors;

/// <summary>The way to .NET's own tensors and back.</summary>
public sealed class TensorSpanTests
{
    [Fact]
    public void A_span_shows_the_memory_of_the_tensor()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Upload(Enumerable.Range(0, 24).Select(i => (float)i).ToArray(), [2, 3, 4]);
        ReadOnlyTensorSpan<float> span = x.AsTensorSpan();
        Assert.Equal([2, 3, 4], span.Lengths.ToArray());
        Assert.Equal(17, span[1, 1, 1]);
        // Zero-copy: what is written through the library shows in the span.
        scope.Full([2, 3, 4], 5).CopyTo(x);
        Assert.Equal(5, span[1, 1, 1]);
    }

    [Fact]
    public void A_scalar_is_a_span_of_one()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        ReadOnlyTensorSpan<float> span = scope.Full([], 3).AsTensorSpan();
        Assert.Equal([1], span.Lengths.ToArray());
        Assert.Equal(3, span[0]);
    }

    [Fact]
    public void Only_F32_has_a_span()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor indices = scope.Upload([1, 2], [2]);
        Assert.Contains("I32", Assert.Throws<InvalidOperationException>(() => _ = indices.AsTensorSpan().Rank).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dense_and_strided_spans_upload()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        float[] values = [.. Enumerable.Range(0, 12).Select(i => (float)i)];
        ReadOnlyTensorSpan<float> dense = new(values, [3, 4]);
        Tensor x = scope.Upload(dense);
        Assert.Equal(new Shape(3, 4), x.Shape);
        Assert.Equal(values, x.ToArray());

        ReadOnlyTensorSpan<float> transposed = new(values, [4, 3], [1, 4]);
        Tensor y = scope.Upload(transposed, requiresGradient: true);
        Assert.Equal(x.Transpose().ToArray(), y.ToArray());
        scope.Backward(y.Sum());
        Assert.All(y.GradientToArray(), gradient => Assert.Equal(1, gradient));
    }
}
