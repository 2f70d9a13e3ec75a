namespace Dino.Tensors.Autograd;

/// <summary>The worst element that a <see cref="GradientCheck"/> found.</summary>
/// <param name="Input">Which input.</param>
/// <param name="Element">Which element of it, row-major.</param>
/// <param name="Recorded">Its gradient from the tape.</param>
/// <param name="Numeric">Its gradient from differences.</param>
/// <param name="Error">Their distance, absolute up to 1 and relative to the larger one beyond; infinite where either is NaN.</param>
public readonly record struct GradientReport(int Input, int Element, float Recorded, float Numeric, float Error)
{
    /// <summary>Throws when the error exceeds a tolerance.</summary>
    /// <param name="tolerance">3e-3 suits functions of order 1 at the default step.</param>
    /// <exception cref="InvalidOperationException">The gradient is wrong; the message says where and by how much.</exception>
    public void Require(float tolerance)
    {
        if (!(Error <= tolerance))
            throw new InvalidOperationException($"The recorded gradient of input {Input} is {Recorded:g6} at element {Element}, differences give {Numeric:g6}: error {Error:g3}, tolerance {tolerance:g3}.");
    }
}
