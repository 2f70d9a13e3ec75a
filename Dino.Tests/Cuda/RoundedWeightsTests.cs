using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Ssl;

namespace Dino.Tests.Cuda;

/// <summary>Weights that are rounded once for a scope: results are those of weights rounded at every product, and never those of weights of the past.</summary>
public sealed class RoundedWeightsTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void A_step_has_the_same_bits_and_fewer_launches(bool withLibrary)
    {
        (float[] plain, long plainLaunches) = Step(withLibrary, isRounded: false);
        (float[] rounded, long launches) = Step(withLibrary, isRounded: true);
        Assert.Equal(plain, rounded);
        Assert.All(plain, value => Assert.True(float.IsFinite(value)));
        // One pass over the store. The library is given rounded operands: a pass for each weight that is multiplied by, forward and backward.
        Assert.True(withLibrary ? launches <= plainLaunches - 10 : launches == plainLaunches + 1, $"{plainLaunches} launches, with rounded weights {launches}.");
    }

    [Theory, InlineData(CudaPrecision.FP32), InlineData(CudaPrecision.TF32)]
    public void Where_nothing_is_rounded_nothing_is_copied(CudaPrecision precision)
    {
        EmulatedMachine machine = new();
        using CudaDevice device = Open(machine, precision);
        using TensorStore store = new(device, [[4, 8]], withGradients: false);
        using Scope scope = device.OpenScope();
        long launches = machine.Launches;
        scope.RoundWeights(store);
        Assert.Equal((0, launches), (scope.ReservedBytes, machine.Launches));
    }

    [Fact]
    public void A_copy_is_that_of_its_moment_and_ends_with_its_frame_and_scope()
    {
        using CudaDevice device = Open(new EmulatedMachine(), CudaPrecision.BF16);
        using TensorStore store = new(device, [[8], [1, 1]], withGradients: false), other = new(device, [[1, 1]], withGradients: false);
        for (int turn = 0; turn < 2; turn++)
        {
            using Scope scope = device.OpenScope(GradMode.Off);
            Tensor one = scope.Full([1, 1], 1);
            Set(1);
            Assert.Equal(1, Product());
            using (scope.OpenFrame())
            {
                scope.RoundWeights(store);
                scope.RoundWeights(other);
                Set(2);
                Assert.Equal(1, Product());
                scope.RoundWeights(store);
                Assert.Equal(2, Product());
                Set(3);
            }

            Assert.Equal(3, Product());
            scope.RoundWeights(store);
            Set(4);
            Assert.Equal(3, Product());

            void Set(float value) => device.Backend.Fill(store.Data, value);

            float Product()
            {
                // An alias of another shape is the same weight.
                float direct = one.Linear(store[1]).Item();
                Assert.Equal(direct, one.Linear(scope.Use(store[1]).Reshape(1, 1)).Item());
                return direct;
            }
        }
    }

    [Fact]
    public void A_store_of_another_device_is_refused()
    {
        using CudaDevice device = Open(new EmulatedMachine(), CudaPrecision.BF16), elsewhere = Open(new EmulatedMachine(), CudaPrecision.BF16);
        using TensorStore store = new(elsewhere, [[4]], withGradients: false);
        using Scope scope = device.OpenScope();
        Assert.Contains("another", Assert.Throws<InvalidOperationException>(() => scope.RoundWeights(store)).Message, StringComparison.Ordinal);
    }

    /// <summary>Weights that change between replayed steps, in all the ways there are, are the ones that the next step multiplies by.</summary>
    [Fact]
    public void Steps_see_what_was_written_between_them()
    {
        using TemporaryFolder folder = new();
        EmulatedMachine machine = new();
        using CudaDevice device = Open(machine, CudaPrecision.BF16);
        using DinoTrainer trainer = TinyRun.Trainer(device), source = TinyRun.Trainer(device, TinyRun.Dino with { Seed = 99 });
        string first = folder.Path("first.safetensors"), now = folder.Path("now.safetensors");
        Checkpoint.Save(trainer, TinyRun.Crops, first);
        for (int step = 0; step < 7; step++)
        {
            if (step == 3)
                device.Backend.Upload(MemoryMarshal.AsBytes<float>(Enumerable.Repeat(0.125f, 40).ToArray()), trainer.Student.Store.Values.Data.Slice(64, [40]));
            else if (step == 4)
                Checkpoint.Load(trainer, TinyRun.Crops, first);
            else if (step == 5)
                trainer.Teacher.Store.CopyFrom(source.Student.Store);
            else if (step == 6)
                device.Backend.RandomNormal(trainer.Student.Store.Values.Data, new RandomKey(5), 0, 0.1f);
            if (step < 3)
            {
                Losses(trainer, step);
                continue;
            }

            Checkpoint.Save(trainer, TinyRun.Crops, now);
            using CudaDevice freshDevice = Open(new EmulatedMachine(), CudaPrecision.BF16);
            using DinoTrainer fresh = TinyRun.Trainer(freshDevice);
            Checkpoint.Load(fresh, TinyRun.Crops, now);
            Assert.Equal(Losses(fresh, step), Losses(trainer, step));
            Assert.Equal(Weights(fresh), Weights(trainer));
        }

        Assert.True(machine.GraphLaunches >= 8, $"{machine.GraphLaunches} graphs were launched.");

        static float Losses(DinoTrainer trainer, int step) => trainer.Step(TinyRun.Views((uint)step), TinyRun.Dino.BatchSize).Loss;

        static float[] Weights(DinoTrainer trainer) => [.. trainer.Student.Store.All.Concat(trainer.Teacher.Store.All).SelectMany(parameter => parameter.Tensor.ToArray())];
    }

    /// <summary>Loss and gradients of a network with all kinds of linear layers.</summary>
    private static (float[] Results, long Launches) Step(bool withLibrary, bool isRounded)
    {
        EmulatedMachine machine = new();
        using CudaDevice device = withLibrary ? CublasLtHost.Open(new FakeCublasLt(), CudaPrecision.BF16, machine) : Open(machine, CudaPrecision.BF16);
        DinoNetwork network = new(TinyRun.Dino.Network, TinyRun.Dino.Head);
        using ParameterStore store = network.Store.Allocate(device, seed: 3);
        long before = machine.Launches;
        using Scope scope = device.OpenScope();
        if (isRounded)
            scope.RoundWeights(store.Values);
        CropView view = TinyRun.Views()[0];
        Tensor loss = network.Forward([scope.Upload<float>(view.Pixels.ToArray(), [TinyRun.Dino.BatchSize, 3, view.Height, view.Width])]).Square().Mean();
        scope.Backward(loss);
        long launches = machine.Launches - before;
        return ([loss.Item(), .. store.Parameters.Where(parameter => parameter.Tensor.HasGradient).SelectMany(parameter => parameter.Tensor.GradientToArray())], launches);
    }

    private static CudaDevice Open(EmulatedMachine machine, CudaPrecision precision) => new(CudaDevices.Find(new EmulatedHost(machine)), 0, precision);
}
