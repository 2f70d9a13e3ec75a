using Dino.Imaging;
using Dino.Ssl.Embedding;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>Many requests of every kind at once, also those that fail and those that are cancelled. Nothing else runs meanwhile: the managed heap is measured.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class EmbedderSoakTests(TinyModels models) : IClassFixture<TinyModels>
{
    /// <summary>A prepared picture takes 12 KiB: losing one in ten of the 400 requests of a round would be as much.</summary>
    private const long Kept = 512 << 10;

    /// <summary>The thread pool and the test host keep as much now and then; what requests lose, they lose in every round.</summary>
    private const int Rounds = 4;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(4, 0)]
    [InlineData(4, 2)]
    public async Task Many_threads_get_the_features_of_one_and_memory_stays_flat(int maxBatch, int delay)
    {
        using CpuDevice device = new(2);
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Device = device, MaxBatch = maxBatch, BatchDelay = TimeSpan.FromMilliseconds(delay) });
        float[][] expected = Array.ConvertAll(models.Images, image => embedder.Embed(image));
        string corrupt = models.Corrupt();

        // A number of requests and no time: a busy machine shall test as much.
        await Soak(requests: 20);
        (long heap, (int, int, int) buffers, int stacks) before, after;
        int round = 0;
        do
        {
            before = Measure();
            await Soak(requests: 50);
            after = Measure();
        }
        while (after.heap - before.heap > Kept && ++round < Rounds);

        Assert.InRange(after.heap - before.heap, long.MinValue, Kept);
        Assert.InRange(after.buffers.Item1, 1, maxBatch > 1 ? 2 * maxBatch : Environment.ProcessorCount + 1);
        Assert.InRange(after.buffers.Item2, 1, Environment.ProcessorCount);
        Assert.InRange(after.buffers.Item3, 0, 2);
        Assert.InRange(after.stacks, 1, device.Threads + 1);
        Assert.Equal(maxBatch > 1, embedder.LargestBatch > 1);
        // One pass at a time takes one scope: a second one has to be made.
        using Scope first = device.OpenScope(GradMode.Off), second = device.OpenScope(GradMode.Off);
        Assert.NotEqual(0, first.ReservedBytes);
        Assert.Equal(0, second.ReservedBytes);

        (long, (int, int, int), int) Measure() => (GC.GetTotalMemory(forceFullCollection: true), embedder.Buffers, device.Backend.IdleScratchStacks);

        Task Soak(int requests)
        {
            return Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(() => Run(thread), TaskCreationOptions.LongRunning).Unwrap()));

            async Task Run(int thread)
            {
                Random random = new(thread);
                for (int request = 0; request < requests; request++)
                {
                    int picture = random.Next(expected.Length);
                    using CancellationTokenSource cancellation = new();
                    switch (random.Next(6))
                    {
                        case 0:
                            Assert.Equal(expected[picture], embedder.Embed(models.Images[picture]));
                            break;
                        case 1:
                            Assert.Equal(expected[picture], embedder.Embed(models.Paths[picture]));
                            break;
                        case 2:
                            int other = (picture + 1) % expected.Length;
                            Assert.Equal([.. expected[picture], .. expected[other]], embedder.EmbedBatch([models.Images[picture], models.Images[other]]));
                            break;
                        case 3:
                            await Assert.ThrowsAsync<CorruptImageException>(() => embedder.EmbedAsync(corrupt));
                            break;
                        case 4:
                            cancellation.CancelAfter(TimeSpan.FromMicroseconds(random.Next(1000)));
                            try
                            {
                                Assert.Equal(expected[picture], await embedder.EmbedAsync(models.Images[picture], cancellation.Token));
                            }
                            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                            {
                                // Which of the two it is, is up to the clock.
                            }

                            break;
                        default:
                            Assert.Equal(expected[picture], await embedder.EmbedAsync(models.Paths[picture], cancellation.Token));
                            break;
                    }
                }
            }
        }
    }
}
