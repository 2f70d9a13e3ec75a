using Dino.Ssl.Data;

namespace Dino.Ssl.Evaluation;

/// <summary>Computes something of every usable picture of a folder, in their order.</summary>
/// <param name="pixels">Pictures [B, 3, size, size].</param>
/// <param name="count">B.</param>
/// <param name="destination">[B, D], written.</param>
internal delegate void BatchComputation(ReadOnlySpan<float> pixels, int count, Span<float> destination);

/// <summary>Takes the result of one picture.</summary>
/// <param name="index">Its position in the folder.</param>
/// <param name="row">[D], valid during the call.</param>
internal delegate void RowConsumer(int index, ReadOnlySpan<float> row);

/// <summary>One pass over the pictures of a folder, prepared ahead of their use, in memory that does not grow with their number.</summary>
internal static class FolderPass
{
    /// <summary>Runs it.</summary>
    /// <param name="onSkipped">Told of each file that cannot be used, on another thread.</param>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InvalidDataException">No picture of the folder can be decoded.</exception>
    public static IReadOnlyCollection<SkippedPicture> Run(ImageFolder folder, EvaluationTransform transform, int batchSize, int width, BatchComputation compute, RowConsumer consume, Action<SkippedPicture>? onSkipped, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        using BatchLoader loader = new(folder, transform, BatchLoaderOptions.InOrder(batchSize) with { OnSkipped = onSkipped });
        loader.Start(0, 0, 1);
        float[] rows = new float[Math.Min(batchSize, folder.Count) * width];
        int done = 0;
        while (loader.Next(cancellationToken) is { } batch)
        {
            // The loader only looks while it waits, and is usually ahead.
            cancellationToken.ThrowIfCancellationRequested();
            compute(batch.View(0), batch.Count, rows.AsSpan(0, batch.Count * width));
            for (int row = 0; row < batch.Count; row++, done++)
            {
                // The loader puts another picture in the place of an unusable one; here each picture counts once.
                if (batch.Samples[row] == done)
                    consume(done, rows.AsSpan(row * width, width));
            }

            progress?.Report(done);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return loader.Skipped;
    }
}
