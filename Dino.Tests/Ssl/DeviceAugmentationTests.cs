using System.Buffers;
using Dino.Cuda;
using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Ssl.Data;

namespace Dino.Tests.Ssl;

/// <summary>Training on views that the device makes is training on the views of the CPU.</summary>
public sealed class DeviceAugmentationTests
{
    [Theory, InlineData(1), InlineData(2)]
    public void A_run_that_augments_on_the_device_leaves_the_same_bits(int accumulate)
    {
        using TinyRun tiny = new();
        // Three steps: one that is not recorded, one that is, one that is replayed.
        DinoOptions dino = TinyRun.Dino with { Backbone = TinyRun.Dino.Backbone with { Depth = 1 }, BatchSize = 6, Epochs = 1, WarmupTeacherTemperatureEpochs = 1 };
        foreach (AugmentationPlace place in Enum.GetValues<AugmentationPlace>())
        {
            using Device device = Devices.Create("cuda");
            using TrainingRun run = new(device, tiny.Options(place.ToString()) with { Dino = dino, Augment = place, Accumulate = accumulate });
            Assert.True(run.Run().Completed);
        }

        TinyRun.AssertSameState(tiny.Output("Cpu"), tiny.Output("Device"));
        Assert.Equal(TinyRun.LogWithoutSpeed(tiny.Output("Cpu")), TinyRun.LogWithoutSpeed(tiny.Output("Device")));
    }

    [Fact]
    public void Pictures_of_other_sizes_do_not_undo_the_record_of_a_step()
    {
        using TinyRun tiny = new();
        using PictureFolder folder = new();
        for (int i = 0; i < 12; i++)
            folder.AddPng($"{i}.png", 10 + (5 * i), 16 + i, i);
        DinoOptions dino = TinyRun.Dino with { Backbone = TinyRun.Dino.Backbone with { Depth = 1 }, Epochs = 1, WarmupTeacherTemperatureEpochs = 1 };
        long[] graphs = [.. Enum.GetValues<AugmentationPlace>().Select(place =>
        {
            EmulatedMachine machine = new();
            using Device device = EmulatedHost.OpenDevice(machine);
            using TrainingRun run = new(device, tiny.Options(place.ToString()) with { Data = folder.Path, Dino = dino, Augment = place });
            run.Run();
            return machine.GraphLaunches;
        })];
        // Two graphs a step, from the second of three steps on.
        Assert.Equal([4, 4], graphs);
        TinyRun.AssertSameState(tiny.Output("Cpu"), tiny.Output("Device"));
    }

    [Theory]
    [InlineData(1, 0, 1 << 20, 0, 0)]
    [InlineData(4, 2, 1 << 20, 0, 0)]
    [InlineData(1, 0, 4_000, 6, 18)]
    [InlineData(4, 2, 12_000, 6, 18)]
    [InlineData(4, 2, 0, 24, 24)]
    public void Batches_of_the_device_are_those_of_the_CPU(int workers, int prefetch, long pageLocked, int leastResized, int mostResized)
    {
        using PictureFolder folder = new();
        for (int i = 0; i < 9; i++)
            folder.AddPng($"{i}.png", 10 + (7 * i), 40 - (4 * i), i);
        folder.AddBytes("damaged.png", [1, 2, 3]);
        MultiCropOptions crops = new() { GlobalSize = 12, LocalSize = 6, LocalCrops = 3 };
        BatchLoaderOptions options = new() { BatchSize = 4, Seed = 5, Workers = workers, Prefetch = prefetch };
        using Device device = Devices.Create("cuda");
        using BatchLoader onHost = new(ImageFolder.Open(folder.Path), new MultiCropAugmentation(crops), options);
        DeviceViews views = DeviceViews.Create(device, crops, options.BatchSize);
        using BatchLoader onDevice = new(ImageFolder.Open(folder.Path), new MultiCropAugmentation(crops), options with { PageLockedBytes = pageLocked }, views.Augmentation);
        int resized = 0;
        onHost.Start(endEpoch: 3);
        onDevice.Start(endEpoch: 3);
        while (onHost.Next() is { } expected)
        {
            SampleBatch found = onDevice.Next()!;
            Assert.Equal(expected.Samples, found.Samples);
            Assert.Throws<InvalidOperationException>(() => found.ViewMemory(0));
            Tensor[] groups = views.Make(found).ToArray();
            Assert.Equal([.. expected.View(0), .. expected.View(1)], groups[0].ToArray());
            Assert.Equal([.. expected.View(2), .. expected.View(3), .. expected.View(4)], groups[1].ToArray());
            // No picture of the folder is as wide as a view.
            foreach (PictureCrop crop in found.Pictures!.Crops(0, 1))
                resized += crop.PictureWidth == crops.GlobalSize ? 1 : 0;
        }

        // All pictures have more bytes than their views. Of the four of a batch 4,000 bytes hold any one and never all; which ones, depends on the workers.
        Assert.InRange(resized, leastResized, mostResized);

        Assert.Null(onDevice.Next());
        views.Dispose();
    }

    [Fact]
    public void Pictures_lie_side_by_side_until_there_is_no_more_room()
    {
        HostMemory memory = new();
        using PictureSlab slab = new(memory);
        foreach (int allocations in (int[])[4, 5, 5])
        {
            slab.Clear();
            Assert.True(slab.Parts.IsEmpty || slab.Parts[0].IsEmpty);
            byte[][] pictures = [.. ((int[])[900_000, 100_000, 70_000, 1_500_000, 1]).Select((length, i) => Enumerable.Repeat((byte)(i + 1), length).ToArray())];
            long[] places = [.. pictures.Select(picture => slab.Add(picture))];
            byte[] all = Joined(slab.Parts);
            Assert.Equal(places[^1] + 1, all.Length);
            foreach ((long place, byte[] picture) in places.Zip(pictures))
                Assert.True(all.AsSpan((int)place, picture.Length).SequenceEqual(picture));
            // Three parts more than the first; then one that has room for all.
            Assert.Equal(allocations, memory.Allocations);
        }

        Assert.Equal(1, slab.Parts.Length);
    }

    [Fact]
    public void The_memory_of_pictures_stays_within_its_limit()
    {
        HostMemory memory = new();
        const int Pictures = 20;
        const long Limit = 5_000_000;
        MultiCropAugmentation views = new([new ViewOptions { Size = 100 }, new ViewOptions { Size = 50 }], PixelNormalization.None);
        long viewBytes = Pictures * 3 * ((100 * 100) + (50 * 50));
        using PictureBatch batch = new(memory, views, Pictures, Limit);
        Random random = new(2);
        for (int round = 0; round < 12; round++)
        {
            batch.Clear(Pictures);
            for (int row = 0; row < Pictures; row++)
            {
                // From smaller than the views to larger than the limit.
                Image image = new(1000, random.Next(1, row == 3 ? 2000 : 600));
                batch.Add(row, image, [Recipe(image, 0, row), Recipe(image, 1, row)]);
            }

            long end = 0;
            foreach (ReadOnlyMemory<byte> part in batch.Pictures)
                end += part.Length;
            foreach (PictureCrop crop in batch.Crops(0, 2))
                Assert.InRange(crop.Pixels + (3L * crop.PictureWidth * (crop.Top + crop.Height)), 1, end);
        }

        // Pictures find room at all; what a part keeps for those to come is 1 MiB at most.
        Assert.InRange(memory.PeakBytes, Limit / 2, Limit + viewBytes + (1 << 20));

        ViewRecipe Recipe(Image image, int view, int row) => views.Decide(image.Width, image.Height, view, new CounterRandom(new RandomKey(1, (uint)view, (uint)row)));
    }

    [Fact]
    public void Memory_that_the_system_does_not_lock_ends_a_run_with_what_to_do()
    {
        using TinyRun tiny = new();
        EmulatedMachine machine = new() { LargestPinned = 1 << 19 };
        using Device device = EmulatedHost.OpenDevice(machine);
        using TrainingRun run = new(device, tiny.Options("run") with { Augment = AugmentationPlace.Device });
        Assert.Contains("1.0 MiB failed: CUDA_ERROR_OUT_OF_MEMORY (2), the system does not lock so much of its memory for the device. Use --augment cpu", Assert.Throws<CudaException>(() => run.Run()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_device_cannot_do_is_refused_before_anything_is_written()
    {
        using TinyRun tiny = new();
        RunOptions options = tiny.Options("run") with { Augment = AugmentationPlace.Device };
        Assert.Contains("--augment cpu", Assert.Throws<ArgumentException>(() => TinyRun.Train(options)).Message, StringComparison.Ordinal);
        using Device device = Devices.Create("cuda");
        RunOptions lanczos = options with { Crops = options.Crops with { Filter = ResizeFilter.Lanczos } };
        Assert.Contains("Lanczos", Assert.Throws<ArgumentException>(() => new TrainingRun(device, lanczos)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Output));
    }

    private static byte[] Joined(ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        List<byte> all = [];
        foreach (ReadOnlyMemory<byte> part in parts)
            all.AddRange(part.Span);
        return [.. all];
    }

    /// <summary>Host memory without a device.</summary>
    private sealed class HostMemory : Augmentation
    {
        private long _bytes;

        public int Allocations { get; private set; }

        public long PeakBytes { get; private set; }

        public override IMemoryOwner<byte> AllocateHost(int bytes)
        {
            Allocations++;
            _bytes += bytes;
            PeakBytes = Math.Max(PeakBytes, _bytes);
            return new Block(this, new byte[bytes]);
        }

        public override void Upload(ReadOnlySpan<ReadOnlyMemory<byte>> parts) => throw new NotSupportedException();

        public override void Make(ReadOnlySpan<PictureCrop> crops, in CropFormat format, in View y) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
        }

        private sealed record Block(HostMemory Owner, byte[] Bytes) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory => Bytes;

            public void Dispose() => Owner._bytes -= Bytes.Length;
        }
    }
}
