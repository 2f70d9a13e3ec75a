using Dino.Imaging;
using Dino.Ssl.Embedding;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>One embedder for all threads of an application.</summary>
public sealed class ConcurrentRequestTests(TinyModels models) : IClassFixture<TinyModels>
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

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
        Assert.True(SpinWait.SpinUntil(() => embedder.Waiting == 1, s_long / 2));
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
        // Each user has been served a few times and goes on asking.
        using CountdownEvent served = new(20);
        Task[] users = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            for (int request = 0; ; request++)
            {
                Assert.Equal(expected, embedder.Embed(models.Images[0]));
                if (request < 5)
                    served.Signal();
            }
        }, TaskCreationOptions.LongRunning))];
        Assert.True(served.Wait(s_long));
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
        Assert.True(SpinWait.SpinUntil(() => embedder.Waiting == 1, s_long / 2));
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
