using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>The memory contract: a warm step allocates nothing on the managed heap and uses the same addresses every time.</summary>
public sealed class WarmStepTests
{
    public static TheoryData<string> All => Devices.All;

    [Theory, MemberData(nameof(All))]
    public void A_warm_training_step_allocates_nothing_and_stays_where_it_is(string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        using TensorStore store = new(device, [[32, 16], [32], [16], [16], [10, 32], [10]], withGradients: true);
        float[] values = [.. Enumerable.Range(0, 8 * 16).Select(i => (float)Math.Sin(i))];
        int[] classes = [0, 1, 2, 3, 4, 5, 6, 7];
        (nint Logits, nint Loss) first = default;
        for (int step = 0; step < 6; step++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            (nint Logits, nint Loss) addresses = Step(device, store, values, classes);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // Pools grow in the first steps; the arena and the tape have their size after one.
            if (step == 1)
                first = addresses;
            if (step > 1)
                Assert.Equal(first, addresses);
            if (step > 2)
                Assert.Equal(0, allocated);
        }
    }

    private static (nint Logits, nint Loss) Step(Device device, TensorStore store, float[] values, int[] classes)
    {
        using Scope scope = device.OpenScope();
        Tensor x = scope.Upload(values, [8, 16]);
        Tensor hidden = x.LayerNorm(store[2], store[3]).Linear(store[0], store[1], Activation.Gelu);
        Tensor logits = hidden.Linear(store[4], store[5]);
        Tensor loss = logits.CrossEntropy(classes, smoothing: 0.1f) + logits.Square().Mean() + (logits * logits.Softmax()).Sum([1]).Max();
        store.ClearGradients();
        scope.Backward(loss);
        return (logits.View.Address, loss.View.Address);
    }
}
