using System.Globalization;

namespace Dino.Ssl.Probing;

/// <summary>No head of a linear probe has a finite loss any more. Nothing was updated in this step.</summary>
public sealed class NonFiniteProbeException : InvalidOperationException
{
    /// <summary>An error that says what to try.</summary>
    public NonFiniteProbeException(float loss, double learningRate)
        : base(string.Create(CultureInfo.InvariantCulture, $"The loss of the linear classifier is {loss} (learning rate {learningRate:g3}). Start again with a lower --lr; if it happens at the first step, the features of the network are not finite."))
    {
    }

    /// <summary>An error with a message.</summary>
    public NonFiniteProbeException(string message) : base(message) { }

    /// <summary>An error without details.</summary>
    public NonFiniteProbeException() { }

    /// <summary>An error with its cause.</summary>
    public NonFiniteProbeException(string message, Exception innerException) : base(message, innerException) { }
}
