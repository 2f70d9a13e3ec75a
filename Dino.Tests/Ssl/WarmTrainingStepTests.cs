using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Tests that look at what the whole process allocates: nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>The memory contract of training: a warm step allocates nothing on the managed heap, on any thread, and everything stays where it is.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class WarmTrainingStepTests
{
    private const int WarmUps = 12;

    /// <summary>Steps that are judged together.</summary>
    private const int Round = 28;

    /// <summary>Rounds of which one has to be undisturbed.</summary>
    private const int Rounds = 6;

    // The last layer thaws and the temperatures change during the measured steps: five steps an epoch.
    private static readonly DinoOptions Settings = TinyRun.Dino with { Epochs = 20, WarmupEpochs = 4, WarmupTeacherTemperatureEpochs = 6, FreezeLastLayer = 4 };

    public static TheoryData<string, string, int> Cases
    {
        get
        {
            TheoryData<string, string, int> cases = [];
            foreach (string device in Devices.Names)
                cases.Add(device, "adamw", 1);
            cases.Add(Devices.Names[0], "sgd", 1);
            cases.Add(Devices.Names[0], "lars", 1);
            cases.Add(Devices.Names[0], "adamw", 2);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void A_warm_step_with_drop_path_and_local_crops_allocates_nothing(string deviceName, string optimizer, int accumulate)
    {
        using Device device = Devices.Create(deviceName);
        // A device that records steps records once more where the last layer thaws: there that is part of getting warm.
        int frozen = device is CpuDevice ? Settings.FreezeLastLayer : 2;
        using DinoTrainer trainer = TinyRun.Trainer(device, Settings with { Optimizer = optimizer, FreezeLastLayer = frozen, Epochs = 40 }, accumulate: accumulate);
        CropView[][] batches = [TinyRun.Views(0), TinyRun.Views(1), TinyRun.Views(2)];
        // Emulated steps run on this thread alone, and take so long that each sees other threads: one round, which is not asked about those.
        bool isUndisturbed = device is not CpuDevice;
        long[] here = new long[WarmUps + (Rounds * Round)], everywhere = new long[here.Length];
        int step = 0;
        for (int end = WarmUps + Round; end <= here.Length; end += Round)
        {
            for (; step < end; step++)
                Measure(step);
            isUndisturbed |= everywhere.AsSpan((end - Round)..end).Count(0L) > Round / 2;
            if (isUndisturbed)
                break;
        }

        Assert.True(here[WarmUps..].All(bytes => bytes == 0), $"Bytes allocated by this thread in each step: {string.Join(", ", here[..step])}.");
        // The test host has threads of its own that report progress now and then: most steps of a round see none of them, unless the machine is busy. What a
        // step itself allocates on any thread, it allocates in every round.
        Assert.True(isUndisturbed, $"Bytes allocated by the process in each step: {string.Join(", ", everywhere[..step])}.");

        void Measure(int step)
        {
            CropView[] views = batches[step % batches.Length];
            // The question about the process allocates a little on this thread: it encloses the other one.
            long all = GC.GetTotalAllocatedBytes(precise: true), mine = GC.GetAllocatedBytesForCurrentThread();
            trainer.Step(views, 4);
            here[step] = GC.GetAllocatedBytesForCurrentThread() - mine;
            everywhere[step] = GC.GetTotalAllocatedBytes(precise: true) - all;
        }
    }

    // The first turn goes call by call, the second is recorded; from the third on steps are replayed.
    [Fact]
    public void A_replayed_step_in_parts_allocates_nothing()
    {
        using Device device = Devices.Create("cuda");
        using DinoTrainer trainer = TinyRun.Trainer(device, Settings with { FreezeLastLayer = 0 }, accumulate: 2);
        CropView[] views = TinyRun.Views(0);
        long[] bytes = new long[7];
        for (int step = 0; step < bytes.Length; step++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            trainer.Step(views, 4);
            bytes[step] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.True(bytes[4..].All(count => count == 0), $"Bytes allocated by this thread in each step: {string.Join(", ", bytes)}.");
    }

    public static TheoryData<string> OtherNetworks => [.. Others.Keys];

    private static readonly Dictionary<string, DinoOptions> Others = new(StringComparer.Ordinal)
    {
        ["DINOv2"] = Settings with { Backbone = Settings.Backbone with { LayerScale = 0.1f, Registers = 2, MaskToken = true, FeedForward = FeedForwardKind.SwiGlu, AntialiasedPositions = true, PositionsByRatio = true } },
        ["DINOv3"] = Settings with { Backbone = Settings.Backbone with { LayerScale = 0.1f, Registers = 2, Rotary = new(), MaskedKeyBias = true, FeedForward = FeedForwardKind.SwiGluSplit, Norm = NormKind.RmsNorm } },
        ["ResNet"] = Settings with { ResNet = new ResNetOptions { Width = 32, Stem = 4, Depths = new(1, 1, 1, 1), ImageSize = 16 } },
        ["ResNet with bottlenecks"] = Settings with { ResNet = new ResNetOptions { Width = 64, Stem = 4, Depths = new(1, 1, 1, 1), Bottleneck = true, ImageSize = 16 } },
    };

    [Theory, MemberData(nameof(OtherNetworks))]
    public void A_warm_step_of_another_network_allocates_nothing(string network)
    {
        using Device device = Devices.Create(Devices.Names[0]);
        using DinoTrainer trainer = TinyRun.Trainer(device, Others[network]);
        CropView[] views = TinyRun.Views(0);
        long[] bytes = new long[WarmUps + 10];
        for (int step = 0; step < bytes.Length; step++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            trainer.Step(views, 4);
            bytes[step] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.True(bytes[WarmUps..].All(count => count == 0), $"Bytes allocated by this thread in each step: {string.Join(", ", bytes)}.");
    }

    [Theory]
    [InlineData("cpu-512", 1)]
    [InlineData("cpu-512", 2)]
    [InlineData("composite", 1)]
    public void Every_tensor_of_a_warm_step_has_the_address_it_had_before(string deviceName, int accumulate)
    {
        using Device device = Devices.Create(deviceName);
        using DinoTrainer trainer = TinyRun.Trainer(device, Settings, accumulate: accumulate);
        CropView[][] batches = [TinyRun.Views(0), TinyRun.Views(1)];
        (nint[] Tensors, long Reserved) expected = ([], 0);
        for (int step = 0; step < 25; step++)
        {
            trainer.Step(batches[step % 2], 4);
            (nint[] Tensors, long Reserved) found = LastScope(device);
            if (step == 1)
                expected = found;
            if (step <= 1)
                continue;
            Assert.Equal(expected.Tensors, found.Tensors);
            Assert.Equal(expected.Reserved, found.Reserved);
        }

        // Enough of them to be the step's: two blocks at two resolutions, head and loss. Some share an address, released one after the other.
        Assert.True(expected.Tensors.Distinct().Count() > 40, $"{expected.Tensors.Distinct().Count()} addresses.");
    }

    /// <summary>Addresses of the tensors that the step before made: a device hands out the scope closed last, and a closed scope keeps its records.</summary>
    private static (nint[] Tensors, long Reserved) LastScope(Device device)
    {
        using Scope scope = device.OpenScope();
        nint[] addresses = new nint[96];
        for (int i = 0; i < addresses.Length; i++)
            addresses[i] = scope.At(i).Data.Address;
        return (addresses, scope.ReservedBytes);
    }
}
