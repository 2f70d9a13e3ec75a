using Dino.Tensors;

namespace Dino.Tests.Tensors;

/// <summary>What Backward leaves behind: when it ran before, when it ran in a frame, and when it threw.</summary>
public sealed class BackwardStateTests : IDisposable
{
    private readonly CpuDevice _device = new(1);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_second_Backward_through_the_same_tensors_is_refused()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true), hidden = x * x;
        Tensor first = hidden.Sum(), second = (hidden * 3).Sum();
        scope.Backward(first);
        AssertUsedUp(() => scope.Backward(first));
        AssertUsedUp(() => scope.Backward(second));
        AssertUsedUp(() => scope.Backward((hidden + 1).Sum()));
        AssertUsedUp(() => scope.Backward(hidden.Reshape(2, 1).Sum()));
        Assert.Equal([2, 4], x.GradientToArray());
        // What does not pass through them is free to go on.
        scope.Backward((hidden.Detach() * x).Sum());
        Assert.Equal([3, 8], x.GradientToArray());
    }

    [Fact]
    public void Backward_in_a_frame_leaves_what_was_recorded_outside()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true), square = x * x;
        using (scope.OpenFrame())
        {
            Tensor inner = scope.Upload([5f, 6], [2], requiresGradient: true);
            scope.Backward((inner * inner).Sum());
            Assert.Equal([10, 12], inner.GradientToArray());
        }

        scope.Backward((square * square).Sum());
        Assert.Equal([4, 32], x.GradientToArray());
    }

    [Fact]
    public void Weighted_losses_of_frames_add_their_gradients_up_in_a_store()
    {
        using TensorStore store = new(_device, [[2]], withGradients: true);
        _device.Backend.Fill(store.Data, 3);
        using Scope scope = _device.OpenScope();
        foreach ((float factor, float weight) in ((float, float)[])[(2, 0.5f), (5, 0.25f)])
        {
            using Scope.Frame frame = scope.OpenFrame();
            Tensor x = scope.Use(store[0]);
            scope.Backward((x * x * factor).Sum(), weight);
        }

        // 2x (2 / 2 + 5 / 4) at x = 3.
        Assert.Equal([13.5f, 13.5f], store[0].GradientToArray());
    }

    [Fact]
    public void A_Backward_that_throws_leaves_no_memory_to_be_handed_out_twice()
    {
        using (Scope scope = _device.OpenScope())
        {
            Tensor outer = scope.Upload([1f, 2], [2], requiresGradient: true);
            using (scope.OpenFrame())
            {
                Tensor loss = Tensor.Maximum(outer, scope.Full([2], 1)).Sum();
                Assert.Throws<InvalidOperationException>(() => scope.Backward(loss));
            }
        }

        using Scope next = _device.OpenScope();
        next.TakeScratch([2], DType.F32);
        next.ReleaseScratch();
        nint[] addresses = [.. Enumerable.Range(0, 64).Select(_ => next.TakeScratch([2], DType.F32).Address)];
        Assert.Equal(addresses.Length, addresses.Distinct().Count());
    }

    [Fact]
    public void What_is_repeated_zero_times_gets_a_gradient_of_zero()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2, 3], [1, 3], requiresGradient: true), y = scope.Upload([1f, 2, 3], [3, 1], requiresGradient: true);
        scope.Backward(x.Expand([0, 3]).Sum() + (y.Expand([3, 0]).Sum() + y.Sum()));
        Assert.Equal([0, 0, 0], x.GradientToArray());
        Assert.Equal([1, 1, 1], y.GradientToArray());
    }

    public static TheoryData<string> Narrow => [.. NarrowOperands.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor, Tensor>> NarrowOperands = new(StringComparer.Ordinal)
    {
        ["gamma of LayerNorm"] = (x, bytes) => x.LayerNorm(bytes),
        ["beta of LayerNorm"] = (x, bytes) => x.LayerNorm(default, bytes),
        ["gamma of BatchNorm"] = (x, bytes) => x.BatchNorm(bytes, default, 1e-5f, out _, out _),
        ["v of WeightNorm"] = (x, bytes) => bytes.Reshape(1, 2).WeightNorm(x.Slice(0, 0, 1).Slice(1, 0, 1)),
        ["g of WeightNorm"] = (x, bytes) => x.WeightNorm(bytes),
        ["student of DinoLoss"] = (x, bytes) => Tensor.Concat(0, bytes.Reshape(1, 2), bytes.Reshape(1, 2)).DinoLoss(x, x.Select(0, 0), 1, 1, 1, out _),
        ["teacher of DinoLoss"] = (x, bytes) => x.DinoLoss(bytes.Reshape(1, 2), x.Select(0, 0), 1, 1, 1, out _),
        ["centre of DinoLoss"] = (x, bytes) => x.DinoLoss(x, bytes, 1, 1, 1, out _),
    };

    /// <summary>A kernel that took bytes for floats would read beyond their end.</summary>
    [Theory, MemberData(nameof(Narrow))]
    public void Operands_of_another_element_type_are_refused(string operand)
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Full([2, 2], 1), bytes = scope.Zeros([2], DType.U8);
        Assert.Contains("needs F32", Assert.Throws<InvalidOperationException>(() => NarrowOperands[operand](x, bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_that_end_leave_no_scratch_memory_behind()
    {
        for (int i = 0; i < 4; i++)
        {
            Thread thread = new(() =>
            {
                using Scope scope = _device.OpenScope(GradMode.Off);
                Tensor x = scope.Full([64, 64], 1);
                x.MatMul(x).Sum();
            });
            thread.Start();
            thread.Join();
        }

        Assert.Equal(1, _device.Backend.IdleScratchStacks);
    }

    private static void AssertUsedUp(Action backward) =>
        Assert.Contains("used up", Assert.Throws<InvalidOperationException>(backward).Message, StringComparison.Ordinal);
}
