using System.Buffers;
using Dino.Imaging;

namespace Dino.Ssl.Embedding;

/// <summary>Requests that wait without holding a thread.</summary>
public sealed partial class ImageEmbedder
{
    private const int ReadBytes = 64 << 10;

    /// <summary>The feature of a picture file, decoded and computed on the thread pool.</summary>
    /// <param name="path">A PNG or JPEG file; the content decides, not the name.</param>
    /// <param name="cancellationToken">Ends this request: at once while it waits, otherwise before its next step. Others are not affected.</param>
    /// <returns>[D].</returns>
    /// <exception cref="ImageException">It is corrupt, unsupported or too large; the message begins with the path.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task<float[]> EmbedAsync(string path, CancellationToken cancellationToken = default) => NewAsync(Source(path), cancellationToken);

    /// <summary>The feature of a decoded picture, computed on the thread pool.</summary>
    /// <inheritdoc cref="EmbedAsync(string, CancellationToken)"/>
    /// <param name="image">The picture; not to be changed before the task has ended.</param>
    public Task<float[]> EmbedAsync(Image image, CancellationToken cancellationToken = default) => NewAsync(Source(image), cancellationToken);

    /// <summary>The feature of an encoded picture in memory, decoded and computed on the thread pool.</summary>
    /// <inheritdoc cref="EmbedAsync(string, CancellationToken)"/>
    /// <param name="encoded">A PNG or JPEG picture; not to be changed before the task has ended.</param>
    public Task<float[]> EmbedAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancellationToken = default) => NewAsync(new EncodedSource(encoded), cancellationToken);

    /// <summary>The feature of an encoded picture, such as the body of an HTTP request: read without blocking, decoded and computed on the thread pool.</summary>
    /// <inheritdoc cref="EmbedAsync(string, CancellationToken)"/>
    /// <param name="stream">A PNG or JPEG picture, read to its end but for no more than <see cref="DecodeLimits.MaxBytes"/>; it stays open.</param>
    public async Task<float[]> EmbedAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _visits.ThrowIfClosed();
        DecodeLimits limits = _options.Limits ?? DecodeLimits.Default;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            // Whoever sends slowly holds this buffer and nothing else: no turn of others, and no Dispose.
            int length = 0;
            for (int read; (read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false)) > 0;)
            {
                length += read;
                limits.CheckBytes(length);
                if (length == buffer.Length)
                    buffer = Grow(buffer);
            }

            return await NewAsync(new EncodedSource(buffer.AsMemory(0, length)), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<float[]> NewAsync<TSource>(TSource source, CancellationToken cancellationToken)
        where TSource : struct, IPictureSource
    {
        using Visits.Visit visit = _visits.Enter();
        PreparedPicture picture = await _pictures.RentAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(() => Prepare(source, picture.Pixels, cancellationToken), cancellationToken).ConfigureAwait(false);
            float[] feature = new float[Width];
            if (_former is null)
                await PassAsync(picture, feature, cancellationToken).ConfigureAwait(false);
            else
                await ShareAsync(_former, picture, feature, cancellationToken).ConfigureAwait(false);
            return feature;
        }
        finally
        {
            _pictures.Return(picture);
        }
    }

    private async Task PassAsync(PreparedPicture picture, float[] feature, CancellationToken cancellationToken)
    {
        await _passes.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Compute(picture.Pixels, 1, feature);
        }
        finally
        {
            _passes.Release();
        }
    }

    private static async Task ShareAsync(BatchFormer former, PreparedPicture picture, float[] feature, CancellationToken cancellationToken)
    {
        Task done = former.Add(picture);
        try
        {
            await done.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!done.IsCompleted)
        {
            // A pass that reads the buffers of this request has to end before they can serve another one.
            if (!former.TryWithdraw(picture))
                await done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        picture.Feature.CopyTo(feature, 0);
    }

    private static byte[] Grow(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, buffer.Length * 2L));
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
