namespace Dino.Imaging;

/// <summary>The picture declares more than the caller's <see cref="DecodeLimits"/> allow; nothing of its size was allocated.</summary>
public sealed class ImageTooLargeException : ImageException
{
    /// <summary>An error without a message.</summary>
    public ImageTooLargeException()
    {
    }

    /// <summary>An error that says which limit is exceeded by how much.</summary>
    public ImageTooLargeException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says which limit is exceeded by how much, and what caused it.</summary>
    public ImageTooLargeException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
