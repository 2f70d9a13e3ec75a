namespace Dino.Tensors.Backends;

/// <summary>The rule of <see cref="WeightFormat.I8"/>, shared by all that compute it: equal operations give equal integers.</summary>
/// <remarks>
/// A weight w becomes the integer trunc(w · (127 / largest) + 128.5) - 128 in [-127, 127], where largest is that of |w| in its row. An input x becomes
/// trunc((x - least) · (255 / range) + 0.5) in [0, 255], where range is the largest less the least of its row. A row that holds NaN or infinity makes its
/// results NaN.
/// </remarks>
internal static class Quantization
{
    public const float WeightLevels = 127;
    public const float WeightShift = 128.5f;
    public const float InputLevels = 255;
    public const float InputShift = 0.5f;

    /// <summary>Replaces a largest value or a range of zero, whose reciprocal would be infinite.</summary>
    public const float Smallest = 1e-30f;

    /// <summary>Inputs up to which no sum of products leaves 32 bits.</summary>
    public const int MaxInputs = int.MaxValue / (127 * 255);
}
