namespace Dino.Imaging;

/// <summary>The data is damaged, truncated or contradicts itself.</summary>
public sealed class CorruptImageException : ImageException
{
    /// <summary>An error without a message.</summary>
    public CorruptImageException()
    {
    }

    /// <summary>An error that says what is wrong and at which byte or element.</summary>
    public CorruptImageException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says what is wrong and at which byte or element, and what caused it.</summary>
    public CorruptImageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
