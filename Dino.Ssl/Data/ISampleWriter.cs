using Dino.Imaging;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>Writes the views of pictures, one thread's worth of state. A warm writer allocates nothing.</summary>
public interface ISampleWriter
{
    /// <summary>Writes one view of a picture.</summary>
    /// <param name="image">The picture, left unchanged.</param>
    /// <param name="view">Index into <see cref="ISampleTransform.ViewSizes"/>.</param>
    /// <param name="random">The stream of this epoch, sample and view: the result is a function of picture, view and stream.</param>
    /// <param name="destination">[3, size, size], red, green, blue; [1, size, size] where <see cref="ISampleTransform.Channels"/> is 1.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    void Write(Image image, int view, CounterRandom random, Span<float> destination);
}
