using System.Collections.Concurrent;
using Dino.Imaging;
using Dino.Ssl.Data;

namespace Dino.Ssl.Retrieval;

/// <summary>Thumbnails of the pictures of a folder that can be decoded, with their files, in the order of the folder.</summary>
internal sealed record ThumbnailSet(Thumbnail[] Thumbnails, string[] Paths, long[] Bytes, IReadOnlyCollection<SkippedPicture> Skipped)
{
    public int Count => Thumbnails.Length;

    public static ThumbnailSet Of(ImageFolder folder, ParallelOptions parallel, IProgress<RetrievalProgress>? progress)
    {
        Thumbnail?[] thumbnails = new Thumbnail?[folder.Count];
        long[] bytes = new long[folder.Count];
        ConcurrentQueue<SkippedPicture> skipped = new();
        StageProgress stage = new(progress, "pictures", folder.Count);
        int done = 0;
        Parallel.For(0, folder.Count, parallel, () => new Thumbnail.Writer(), (i, _, writer) =>
        {
            string path = folder.Samples[i].Path;
            try
            {
                bytes[i] = new FileInfo(path).Length;
                thumbnails[i] = writer.Write(ImageFile.Decode(path));
            }
            catch (Exception error) when (error is ImageException or IOException or UnauthorizedAccessException)
            {
                skipped.Enqueue(SkippedPicture.Of(path, error));
            }

            stage.Report(Interlocked.Increment(ref done));
            return writer;
        }, _ => { });
        int[] usable = [.. thumbnails.Index().Where(item => item.Item is not null).Select(item => item.Index)];
        return new ThumbnailSet([.. usable.Select(i => thumbnails[i]!)], [.. usable.Select(i => folder.Samples[i].Path)], [.. usable.Select(i => bytes[i])], [.. skipped.OrderBy(file => file.Path, StringComparer.Ordinal)]);
    }

    /// <summary>The coarse pictures, [N, <see cref="Thumbnail.CoarseLength"/>], around the middle of the range, where products keep the most digits.</summary>
    public float[] Coarse()
    {
        float[] rows = new float[(long)Count * Thumbnail.CoarseLength];
        for (int i = 0; i < Count; i++)
        {
            Span<float> row = rows.AsSpan(i * Thumbnail.CoarseLength, Thumbnail.CoarseLength);
            Thumbnails[i].WriteCoarse(row);
            System.Numerics.Tensors.TensorPrimitives.Subtract(row, 128f, row);
        }

        return rows;
    }
}
