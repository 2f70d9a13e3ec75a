using Dino.Imaging;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>Turns one picture into one or more square views of normalised floats. Immutable and shared by all workers.</summary>
public interface ISampleTransform
{
    /// <summary>Side of each view in pixels; view v is [3, ViewSizes[v], ViewSizes[v]].</summary>
    IReadOnlyList<int> ViewSizes { get; }

    /// <summary>Makes a writer with buffers of its own, for use by one thread.</summary>
    ISampleWriter CreateWriter();
}

/// <summary>Writes the views of pictures, one thread's worth of state. A warm writer allocates nothing.</summary>
public interface ISampleWriter
{
    /// <summary>Writes one view of a picture.</summary>
    /// <param name="image">The picture, left unchanged.</param>
    /// <param name="view">Index into <see cref="ISampleTransform.ViewSizes"/>.</param>
    /// <param name="random">The stream of this epoch, sample and view: the result is a function of picture, view and stream.</param>
    /// <param name="destination">[3, size, size], red, green, blue.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    void Write(Image image, int view, CounterRandom random, Span<float> destination);
}
