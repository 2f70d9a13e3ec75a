using Dino.Tensors;
using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Scopes, frames and the tape: what lives how long, what is recorded, and what errors say.</summary>
public sealed class TapeTests : IDisposable
{
    private readonly CpuDevice _device = new(1);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_function_of_the_user_is_recorded_like_ours()
    {
        GradientCheck.Run(_device, x => Triple.Apply(x[0]) * x[0], [([0.5f, -1, 2], [3])]).Require(3e-3f);
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true);
        scope.Backward(Triple.Apply(x).Sum());
        Assert.Equal([3, 3], x.GradientToArray());
    }

    [Fact]
    public void A_handle_is_stale_after_its_scope_closed()
    {
        Scope scope = _device.OpenScope();
        Tensor x = scope.Full([2], 1);
        scope.Dispose();
        Assert.Contains("closed", Assert.Throws<ObjectDisposedException>(() => x.ToArray()).Message, StringComparison.Ordinal);
        // The scope object is reused: the handle must not come back to life with it.
        using Scope next = _device.OpenScope();
        next.Full([2], 2);
        Assert.Throws<ObjectDisposedException>(() => x.Shape);
    }

    [Fact]
    public void Operands_of_two_scopes_are_refused()
    {
        using Scope first = _device.OpenScope(), second = _device.OpenScope();
        Tensor a = first.Full([2], 1), b = second.Full([2], 1);
        Assert.Contains("different scopes", Assert.Throws<InvalidOperationException>(() => a + b).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operands_of_two_devices_are_refused()
    {
        using CpuDevice other = new(1);
        using TensorStore store = new(other, [new Shape(2)], withGradients: false);
        using Scope scope = _device.OpenScope();
        Tensor a = scope.Full([2], 1);
        Assert.Throws<InvalidOperationException>(() => a + store[0]);
    }

    [Fact]
    public void A_frame_frees_what_was_made_in_it()
    {
        using Scope scope = _device.OpenScope();
        Tensor kept = scope.Full([2], 1), inner;
        using (scope.OpenFrame())
        {
            inner = scope.Upload([1f, 2], [2], requiresGradient: true);
            scope.Backward((inner * inner).Sum());
            Assert.Equal([2, 4], inner.GradientToArray());
            inner.CopyTo(kept);
        }

        Assert.Throws<ObjectDisposedException>(() => inner.Shape);
        Assert.Equal([1, 2], kept.ToArray());
    }

    [Fact]
    public void A_gradient_may_not_outlive_its_frame()
    {
        using Scope scope = _device.OpenScope();
        Tensor outer = scope.Upload([1f, 2], [2], requiresGradient: true);
        using (scope.OpenFrame())
            Assert.Contains("frame", BackwardError(scope, outer), StringComparison.Ordinal);
        static string BackwardError(Scope scope, Tensor outer) =>
            Assert.Throws<InvalidOperationException>(() => scope.Backward((outer * outer).Sum())).Message;
    }

    [Fact]
    public void Detach_stops_the_gradient()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true);
        scope.Backward((x.Detach() * x).Sum());
        Assert.Equal([1, 2], x.GradientToArray());
        Assert.False(x.Detach().RequiresGradient);
    }

    [Fact]
    public void Nothing_is_recorded_with_gradients_off()
    {
        using Scope scope = _device.OpenScope(GradMode.Off);
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true);
        Assert.Throws<InvalidOperationException>(() => scope.Backward(x.Square().Sum()));
    }

    [Fact]
    public void An_intermediate_gradient_is_kept_on_demand()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2], [2], requiresGradient: true);
        Tensor released = x * 2, retained = (released * 3).RetainGradient();
        scope.Backward((retained * retained).Sum());
        Assert.Equal([12, 24], retained.GradientToArray());
        Assert.Contains("RetainGradient", Assert.Throws<InvalidOperationException>(() => released.GradientToArray()).Message, StringComparison.Ordinal);
        Assert.Equal([72, 144], x.GradientToArray());
    }

    [Fact]
    public void Parameters_accumulate_until_cleared()
    {
        using TensorStore store = new(_device, [new Shape(2)], withGradients: true);
        for (int i = 1; i <= 2; i++)
        {
            using Scope scope = _device.OpenScope();
            scope.Backward((scope.Use(store[0]) * scope.Full([2], 3)).Sum());
            Assert.Equal([3f * i, 3f * i], store[0].GradientToArray());
        }

        store.ClearGradients();
        Assert.False(store[0].HasGradient);
    }

    public static TheoryData<string> Dropping => [.. Droppers.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor>> Droppers = new(StringComparer.Ordinal)
    {
        ["EqualTo"] = x => x.EqualTo(x),
        ["LessThan"] = x => x.LessThan(x),
        ["ArgMax"] = x => x.ArgMax(),
        ["ArgMin"] = x => x.ArgMin(),
        ["ArgSort"] = x => x.ArgSort(),
        ["To"] = x => x.To(DType.BF16),
        ["mask of Keep"] = x => x.Detach().Keep(x),
        ["mask of Where"] = x => Tensor.Where(x, x, x),
        ["mask of MaskedSelect"] = x => x.MaskedSelect(x),
        ["weight of CrossEntropy"] = x => x.CrossEntropy([0, 1], x.Select(0, 0)),
        ["teacher of DinoLoss"] = x => x.DinoLoss(x, x.Detach().Select(0, 0), 1, 1, 1, out _),
    };

    [Theory, MemberData(nameof(Dropping))]
    public void Operations_without_a_gradient_refuse_operands_that_want_one(string operation)
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Upload([1f, 2, 3, 4], [2, 2], requiresGradient: true);
        Assert.Contains("Detach()", Assert.Throws<InvalidOperationException>(() => Droppers[operation](x)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Mismatches => [.. Misfits.Keys];

    private static readonly Dictionary<string, (Func<Tensor, Tensor> Function, string Named)> Misfits = new(StringComparer.Ordinal)
    {
        ["Add"] = (x => x + x.Transpose(), "[3, 2]"),
        ["MatMul"] = (x => x.MatMul(x), "[2, 3]"),
        ["Linear"] = (x => x.Linear(x.Transpose()), "[3, 2]"),
        ["LayerNorm"] = (x => x.LayerNorm(x.Transpose()), "[3, 2]"),
        ["RmsNorm"] = (x => x.RmsNorm(x.Select(1, 0)), "[2]"),
        ["IndexAdd"] = (x => x.IndexAdd(0, Scope.Of("", x).Upload([0], [1]), x), "[1, 3]"),
        ["Gather"] = (x => x.Gather(0, Scope.Of("", x).Upload([0], [1])), "[1]"),
        ["TopK"] = (x => x.TopK(4, out _), "4 elements"),
        ["MeanSquaredError"] = (x => x.MeanSquaredError(x.Transpose()), "[3, 2]"),
        ["CrossEntropy"] = (x => x.CrossEntropy([0, 1, 2]), "3 classes"),
        ["Conv2D"] = (x => x.Reshape(1, 1, 2, 3).Conv2D(x.Reshape(1, 2, 3, 1)), "3 channels"),
        ["MaxPool2D"] = (x => x.Reshape(1, 2, 3, 1).MaxPool2D(4), "4 x 4"),
        ["Pad"] = (x => x.Pad(0, 2, 0, PadMode.Reflect), "Reflect"),
        ["Resize2D"] = (x => x.Resize2D(2), "[N, H, W, C]"),
        ["SwiGlu"] = (x => x.SwiGlu(), "halves"),
        ["Concat"] = (x => Tensor.Concat(0, x, x.Transpose()), "[3, 2]"),
    };

    [Theory, MemberData(nameof(Mismatches))]
    public void Errors_name_the_operation_and_the_shapes(string operation)
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Full([2, 3], 1);
        (Func<Tensor, Tensor> function, string named) = Misfits[operation];
        string message = Assert.Throws<ShapeMismatchException>(() => function(x)).Message;
        Assert.StartsWith(operation, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Indices_outside_are_refused()
    {
        using Scope scope = _device.OpenScope();
        Tensor x = scope.Full([2, 3], 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.IndexSelect(1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Gather(1, scope.Upload([-1], [1, 1])));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.CrossEntropy([0, 3]));
    }

    /// <summary>The example in the documentation of <see cref="Function"/>.</summary>
    private sealed class Triple : Function
    {
        private Tensor _x;

        public static Tensor Apply(Tensor x)
        {
            Scope scope = Scope.Of(nameof(Triple), x);
            Tensor y = scope.Empty(x.Shape);
            scope.Backend.Axpby(3, x.View, 0, y.View);
            if (scope.Record<Triple>(y, x) is { } node)
                node._x = x;
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.Axpby(3, pass.OutputGradient, dx.Beta, dx.View);
        }
    }
}
