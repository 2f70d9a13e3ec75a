namespace Dino.Imaging;

/// <summary>No registered decoder reads this format, or the decoder does not implement this variant of it.</summary>
public sealed class UnsupportedImageException : ImageException
{
    /// <summary>An error without a message.</summary>
    public UnsupportedImageException()
    {
    }

    /// <summary>An error that says what is not supported.</summary>
    public UnsupportedImageException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says what is not supported, and what caused it.</summary>
    public UnsupportedImageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
