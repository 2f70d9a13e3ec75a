using System.Diagnostics;
using Dino.Imaging;
using Dino.Ssl.Embedding;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>One embedder for all threads of an application.</summary>
public sealed class ConcurrentRequestTests(TinyModels models) : IClassFixture<TinyModels>
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

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

        await Soak(seconds: 0.3);
        (long heap, (int, int, int) buffers, int stacks) before = Measure();
        int requests = await Soak(seconds: 0.7);
        (long heap, (int, int, int) buffers, int stacks) after = Measure();

        Assert.True(requests > 100, $"{requests} requests say little.");
        // What the thread pool and the JIT keep of their own is less than two pictures a thread would be.
        Assert.InRange(after.heap - before.heap, long.MinValue, 512 << 10);
        Assert.InRange(after.buffers.Item1, 1, maxBatch > 1 ? 2 * maxBatch : Environment.ProcessorCount + 1);
        Assert.InRange(after.buffers.Item2, 1, Environment.ProcessorCount);
        Assert.InRange(after.buffers.Item3, 0, 2);
        Assert.Equal(before.stacks, after.stacks);
        Assert.Equal(maxBatch > 1, embedder.LargestBatch > 1);
        // One pass at a time takes one scope: a second one has to be made.
        using Scope first = device.OpenScope(GradMode.Off), second = device.OpenScope(GradMode.Off);
        Assert.NotEqual(0, first.ReservedBytes);
        Assert.Equal(0, second.ReservedBytes);

        (long, (int, int, int), int) Measure() => (GC.GetTotalMemory(forceFullCollection: true), embedder.Buffers, device.Backend.IdleScratchStacks);

        async Task<int> Soak(double seconds)
        {
            long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
            int done = 0;
            await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(() => Run(thread), TaskCreationOptions.LongRunning).Unwrap()));
            return done;

            async Task Run(int thread)
            {
                Random random = new(thread);
                while (Stopwatch.GetTimestamp() < end)
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

                    Interlocked.Increment(ref done);
                }
            }
        }
    }

    [Fact]
    public async Task A_batch_is_formed_of_what_comes_in_time_and_a_corrupt_picture_is_not_in_it()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, MaxBatch = 3, BatchDelay = s_long });
        string corrupt = models.Corrupt();
        Task<float[]>[] tasks = [embedder.EmbedAsync(models.Paths[0]), embedder.EmbedAsync(corrupt), embedder.EmbedAsync(models.Paths[1])];
        await Assert.ThrowsAsync<CorruptImageException>(() => tasks[1]);
        Assert.False(tasks[0].IsCompleted);
        // The third that can be used makes the batch full: nobody waits for the delay to pass.
        float[] third = await embedder.EmbedAsync(models.Paths[2]).WaitAsync(s_long / 2);
        Assert.Equal(3, embedder.LargestBatch);
        using ImageEmbedder single = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        Assert.Equal(single.Embed(models.Paths[0]), await tasks[0]);
        Assert.Equal(single.Embed(models.Paths[1]), await tasks[2]);
        Assert.Equal(single.Embed(models.Paths[2]), third);
    }

    [Fact]
    public async Task Cancelling_a_request_that_waits_ends_it_at_once_and_hurts_no_other()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, MaxBatch = 2, BatchDelay = s_long });
        using CancellationTokenSource cancellation = new();
        Task<float[]> first = embedder.EmbedAsync(models.Images[0], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(s_long / 2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => embedder.EmbedAsync(models.Images[0], cancellation.Token));
        Task<float[]> second = embedder.EmbedAsync(models.Images[1]), third = embedder.EmbedAsync(models.Images[2]);
        float[][] found = await Task.WhenAll(second, third).WaitAsync(s_long / 2);
        using ImageEmbedder single = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        Assert.Equal(single.Embed(models.Images[1]), found[0]);
        Assert.Equal(single.Embed(models.Images[2]), found[1]);
    }

    [Fact]
    public void A_batch_of_files_can_be_cancelled()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        Assert.ThrowsAny<OperationCanceledException>(() => embedder.EmbedBatch(models.Paths, new CancellationToken(canceled: true)));
        Assert.Equal(20 * 48, embedder.EmbedBatch(models.Paths).Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Disposing_waits_for_those_inside_and_turns_the_others_away(int maxBatch)
    {
        ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, MaxBatch = maxBatch });
        float[] expected = embedder.Embed(models.Images[0]);
        using Barrier begun = new(5);
        Task[] users = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            begun.SignalAndWait();
            while (true)
                Assert.Equal(expected, embedder.Embed(models.Images[0]));
        }, TaskCreationOptions.LongRunning))];
        begun.SignalAndWait();
        await Task.Delay(50);
        embedder.Dispose();
        foreach (Task user in users)
            Assert.Contains("has been disposed", (await Assert.ThrowsAsync<ObjectDisposedException>(() => user.WaitAsync(s_long))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => embedder.EmbedAsync(models.Paths[0]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => embedder.EmbedAsync(new MemoryStream([1])));
        Assert.Throws<ObjectDisposedException>(() => embedder.EmbedBatch(models.Paths));
        embedder.Dispose();
    }

    [Fact]
    public async Task Disposing_does_not_wait_for_a_batch_to_fill()
    {
        ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, MaxBatch = 2, BatchDelay = s_long });
        Task<float[]> waiting = embedder.EmbedAsync(models.Images[0]);
        await Task.Run(embedder.Dispose).WaitAsync(s_long / 2);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
    }

    [Fact]
    public void A_device_that_was_given_stays_open()
    {
        using CpuDevice device = new(1);
        ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Device = device }).Dispose();
        using ImageEmbedder again = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Device = device });
        Assert.Equal(48, again.Embed(models.Images[0]).Length);
    }
}
