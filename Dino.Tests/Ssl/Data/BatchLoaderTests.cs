using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Dino.Ssl.Data;

namespace Dino.Tests.Ssl.Data;

/// <summary>The loader's promises: batches depend on nothing but files, seed, epoch and number; damaged files do no harm.</summary>
public sealed class BatchLoaderTests
{
    private static readonly MultiCropAugmentation Views = new(new MultiCropOptions { GlobalSize = 16, LocalSize = 8, LocalCrops = 2 });

    [Theory]
    [InlineData(2, 0)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    public void Batches_do_not_depend_on_workers_or_prefetch(int workers, int prefetch)
    {
        using PictureFolder folder = PictureFolder.TwoClasses(23);
        Assert.Equal(
            Fingerprints(folder, new() { BatchSize = 5, Seed = 7, Workers = 1, Prefetch = 1 }, 0, 0, 3),
            Fingerprints(folder, new() { BatchSize = 5, Seed = 7, Workers = workers, Prefetch = prefetch }, 0, 0, 3));
    }

    [Fact]
    public void A_start_in_mid_epoch_continues_with_the_same_batches()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(23);
        BatchLoaderOptions options = new() { BatchSize = 5, Seed = 3, Workers = 2 };
        List<string> whole = Fingerprints(folder, options, 0, 0, 3);
        Assert.Equal(12, whole.Distinct().Count());
        Assert.Equal(whole[6..], Fingerprints(folder, options, 1, 2, 3));
        Assert.Equal(whole[8..], Fingerprints(folder, options, 1, 4, 3));
    }

    [Fact]
    public void A_loader_can_start_anew_while_it_prefetches()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(12);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 4, Workers = 2 });
        loader.Start();
        string first = Fingerprint(loader.Next()!);
        loader.Start(epoch: 5);
        Assert.NotEqual(first, Fingerprint(loader.Next()!));
        loader.Start();
        Assert.Equal(first, Fingerprint(loader.Next()!));
    }

    [Fact]
    public void An_epoch_visits_every_picture_once_in_an_order_of_its_own()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(20);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 4, Workers = 2 });
        loader.Start(endEpoch: 2);
        List<int> visited = [];
        while (loader.Next() is SampleBatch batch)
        {
            visited.AddRange(batch.Samples);
            for (int i = 0; i < batch.Count; i++)
                Assert.Equal(batch.Samples[i] < 10 ? 0 : 1, batch.Labels[i]);
        }

        Assert.Equal(Enumerable.Range(0, 20), visited[..20].Order());
        Assert.Equal(Enumerable.Range(0, 20), visited[20..].Order());
        Assert.NotEqual(visited[..20], visited[20..]);
    }

    [Fact]
    public void Evaluation_sees_every_picture_once_in_folder_order()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(7);
        using BatchLoader loader = new(ImageFolder.Open(folder.Path), new EvaluationTransform(Preprocessing.ForSize(8)), BatchLoaderOptions.InOrder(3));
        loader.Start(endEpoch: 1);
        List<int> visited = [];
        List<int> counts = [];
        while (loader.Next() is SampleBatch batch)
        {
            visited.AddRange(batch.Samples);
            counts.Add(batch.View(0).Length / (3 * 8 * 8));
        }

        Assert.Equal(Enumerable.Range(0, 7), visited);
        Assert.Equal([3, 3, 1], counts);
        Assert.Null(loader.Next());
    }

    [Fact]
    public void Damaged_files_are_replaced_by_rule_and_reported_once()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(8);
        string corrupt = folder.AddBytes("cat/002.png", [.. PictureFolder.Png(20, 16, 2).Take(60)]);
        string empty = folder.AddBytes("dog/007.png", []);
        folder.AddBytes("cat/001.png", File.ReadAllBytes(folder.AddPng("elsewhere/x.png", 20, 16, 99)));
        File.Move(Path.Combine(folder.Path, "dog/005.png"), Path.Combine(folder.Path, "dog/005.JPG"));
        Directory.Delete(Path.Combine(folder.Path, "elsewhere"), recursive: true);
        ConcurrentQueue<SkippedPicture> reported = new();
        BatchLoaderOptions options = BatchLoaderOptions.InOrder(8) with { OnSkipped = reported.Enqueue };
        using BatchLoader loader = Loader(folder, options with { Workers = 2 });
        loader.Start(endEpoch: 3);
        while (loader.Next() is SampleBatch batch)
        {
            // Picture 2 is replaced by 3, and 7, the last, by 0; 5 is a PNG by content.
            Assert.Equal([0, 1, 3, 3, 4, 5, 6, 0], batch.Samples.ToArray());
            Assert.Equal([0, 0, 0, 0, 1, 1, 1, 0], batch.Labels.ToArray());
        }

        Assert.Equal([corrupt, empty], reported.Select(skipped => skipped.Path).Order(StringComparer.Ordinal));
        Assert.Equal(2, loader.Skipped.Count);
        Assert.All(reported, skipped => Assert.NotEmpty(skipped.Reason));
        Assert.Equal(Fingerprints(folder, options with { Workers = 1 }, 0, 0, 2), Fingerprints(folder, options with { Workers = 4 }, 0, 0, 2));
    }

    [Fact]
    public void A_folder_without_a_usable_picture_is_an_error_that_says_so()
    {
        using PictureFolder folder = new();
        for (int i = 0; i < 4; i++)
            folder.AddBytes($"{i}.png", [1, 2, 3]);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 2, Workers = 2 });
        loader.Start();
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => loader.Next());
        Assert.Contains("None of the 4 pictures", error.Message, StringComparison.Ordinal);
        Assert.Contains(".png", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_larger_than_the_folder_is_refused_with_the_fix()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(4);
        ArgumentException error = Assert.Throws<ArgumentException>(() => Loader(folder, new() { BatchSize = 64 }));
        Assert.Contains("at most 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cached_pictures_give_the_same_batches_within_any_limit()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(10);
        List<string> uncached = Fingerprints(folder, new() { BatchSize = 5, Workers = 2 }, 0, 0, 3);
        // One picture has 960 bytes: a limit for all, for three, and for none.
        foreach (long limit in new[] { 1L << 20, 3000, 900 })
            Assert.Equal(uncached, Fingerprints(folder, new() { BatchSize = 5, Workers = 2, CacheBytes = limit }, 0, 0, 3));
    }

    [Fact]
    public void Next_can_be_cancelled_and_asked_again()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(4);
        using ManualResetEventSlim hold = new();
        folder.AddBytes("cat/000.png", [0]);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 4, Workers = 1, OnSkipped = _ => hold.Wait() });
        loader.Start();
        using CancellationTokenSource source = new(50);
        Assert.Throws<OperationCanceledException>(() => loader.Next(source.Token));
        hold.Set();
        Assert.Equal(0, loader.Next()!.Index);
    }

    [Fact]
    public void A_failing_callback_reaches_the_consumer()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(4);
        folder.AddBytes("cat/000.png", [0]);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 4, Workers = 2, OnSkipped = skipped => throw new NotSupportedException(skipped.Path) });
        loader.Start();
        Assert.Throws<NotSupportedException>(() => loader.Next());
    }

    [Fact]
    public void Using_a_loader_out_of_turn_says_what_to_do()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(4);
        BatchLoader loader = Loader(folder, new() { BatchSize = 2 });
        Assert.Contains("Start", Assert.Throws<InvalidOperationException>(() => loader.Next()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Start(batch: 3));
        loader.Start(endEpoch: 0);
        Assert.Null(loader.Next());
        loader.Dispose();
        loader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loader.Next());
    }

    [Fact]
    public void A_warm_consumer_allocates_nothing()
    {
        using PictureFolder folder = PictureFolder.TwoClasses(16);
        using BatchLoader loader = Loader(folder, new() { BatchSize = 4, Workers = 2, CacheBytes = 1 << 20 });
        loader.Start();
        for (int i = 0; i < 8; i++)
            loader.Next();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 40; i++)
            loader.Next();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static BatchLoader Loader(PictureFolder folder, BatchLoaderOptions options) => new(ImageFolder.Open(folder.Path), Views, options);

    private static List<string> Fingerprints(PictureFolder folder, BatchLoaderOptions options, int epoch, int batch, int endEpoch)
    {
        using BatchLoader loader = Loader(folder, options);
        loader.Start(epoch, batch, endEpoch);
        List<string> prints = [];
        while (loader.Next() is SampleBatch next)
            prints.Add($"{next.Epoch}/{next.Index} {Fingerprint(next)}");
        return prints;
    }

    private static string Fingerprint(SampleBatch batch)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(batch.Samples));
        hash.AppendData(MemoryMarshal.AsBytes(batch.Labels));
        for (int view = 0; view < batch.ViewSizes.Count; view++)
            hash.AppendData(MemoryMarshal.AsBytes(batch.View(view)));
        return Convert.ToHexString(hash.GetCurrentHash());
    }
}
