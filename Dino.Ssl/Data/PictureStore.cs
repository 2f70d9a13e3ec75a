using System.Collections.Concurrent;
using Dino.Imaging;

namespace Dino.Ssl.Data;

/// <summary>Decodes the pictures of a folder for many threads, remembers which ones cannot be read, and keeps decoded ones up to a limit.</summary>
internal sealed class PictureStore(ImageFolder folder, long cacheBytes, Action<SkippedPicture>? onSkipped)
{
    private readonly Image?[]? _cache = cacheBytes > 0 ? new Image?[folder.Count] : null;
    private readonly int[] _unusable = new int[folder.Count];
    private readonly ConcurrentQueue<SkippedPicture> _skipped = new();
    private long _cached;

    /// <summary>Every file found unusable so far, once.</summary>
    public IReadOnlyCollection<SkippedPicture> Skipped => _skipped;

    /// <summary>
    /// The picture at <paramref name="index"/> or, if it cannot be read, the next one after it that can, wrapping round at the
    /// end: which one that is depends on the files alone, not on timing or on earlier calls.
    /// </summary>
    /// <returns>The picture and its own index.</returns>
    /// <exception cref="InvalidDataException">No picture of the folder can be read.</exception>
    public (Image Image, int Index) Read(int index)
    {
        for (int step = 0; step < folder.Count; step++)
        {
            int candidate = (int)(((long)index + step) % folder.Count);
            if (Volatile.Read(ref _unusable[candidate]) == 0 && TryRead(candidate) is Image image)
                return (image, candidate);
        }

        _skipped.TryPeek(out SkippedPicture? first);
        throw new InvalidDataException(folder.Count == 1
            ? $"The only picture in '{folder.Path}' cannot be decoded: {first?.Path}: {first?.Reason}"
            : $"None of the {folder.Count} pictures in '{folder.Path}' can be decoded. The first: {first?.Path}: {first?.Reason}");
    }

    private Image? TryRead(int index)
    {
        if (_cache?[index] is Image known)
            return known;
        Image image;
        try
        {
            image = ImageFile.Decode(folder.Samples[index].Path);
        }
        catch (Exception error) when (error is ImageException or IOException or UnauthorizedAccessException)
        {
            if (Interlocked.Exchange(ref _unusable[index], 1) == 0)
            {
                SkippedPicture skipped = SkippedPicture.Of(folder.Samples[index].Path, error);
                _skipped.Enqueue(skipped);
                onSkipped?.Invoke(skipped);
            }

            return null;
        }

        Keep(index, image);
        return image;
    }

    private void Keep(int index, Image image)
    {
        if (_cache is null || Interlocked.Read(ref _cached) + image.Pixels.Length > cacheBytes)
            return;
        // Two threads may decode the same picture at once; only the one that stores it counts it.
        if (Interlocked.CompareExchange(ref _cache[index], image, null) is null)
            Interlocked.Add(ref _cached, image.Pixels.Length);
    }
}
