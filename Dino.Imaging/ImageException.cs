namespace Dino.Imaging;

/// <summary>
/// A picture cannot be decoded. The three kinds are <see cref="CorruptImageException"/> (the data is damaged),
/// <see cref="UnsupportedImageException"/> (the data may be fine, no decoder reads it) and
/// <see cref="ImageTooLargeException"/> (it exceeds the caller's <see cref="DecodeLimits"/>).
/// </summary>
public abstract class ImageException : Exception
{
    /// <summary>An error without a message.</summary>
    protected ImageException()
    {
    }

    /// <summary>An error that says what is wrong and where.</summary>
    protected ImageException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says what is wrong and where, and what caused it.</summary>
    protected ImageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
