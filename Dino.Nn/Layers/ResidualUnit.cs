using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A unit of a ResNet: two convolutions of 3 x 3, or with a bottleneck 1 x 1, 3 x 3 and 1 x 1, beside a shortcut.</summary>
/// <remarks>He et al. 2016, section 3.3 and figure 5; the stride is at the 3 x 3 convolution, as in torchvision.</remarks>
internal sealed class ResidualUnit : Module
{
    private readonly NormedConvolution[] _convolutions;
    private readonly NormedConvolution? _shortcut;

    /// <param name="scope">Where <c>conv1</c>, <c>bn1</c>, ... and <c>downsample</c> are declared.</param>
    /// <param name="inputs">Channels of its input.</param>
    /// <param name="planes">Channels inside.</param>
    /// <param name="bottleneck">Whether there are three convolutions and four times as many channels at the end.</param>
    /// <param name="stride">2 halves the picture.</param>
    public ResidualUnit(ParameterScope scope, int inputs, int planes, bool bottleneck, int stride)
        : base(scope)
    {
        int outputs = bottleneck ? 4 * planes : planes;
        NormedConvolution Layer(int number, int from, int to, int kernel, int step = 1) => new(scope / $"conv{number}", scope / $"bn{number}", from, to, kernel, step);
        _convolutions = bottleneck
            ? [Layer(1, inputs, planes, 1), Layer(2, planes, planes, 3, stride), Layer(3, planes, outputs, 1)]
            : [Layer(1, inputs, planes, 3, stride), Layer(2, planes, planes, 3)];
        if (stride != 1 || inputs != outputs)
            _shortcut = new NormedConvolution(scope / "downsample" / 0, scope / "downsample" / 1, inputs, outputs, 1, stride);
    }

    /// <inheritdoc/>
    /// <param name="x">Pictures [B, H, W, C].</param>
    public override Tensor Forward(Tensor x)
    {
        Tensor y = x;
        foreach (NormedConvolution convolution in _convolutions.AsSpan(0, _convolutions.Length - 1))
        {
            Tensor next = convolution.Forward(y);
            if (y != x)
                y.Release();
            y = next;
        }

        Tensor shortcut = _shortcut?.Forward(x, rectify: false) ?? x;
        Tensor result = _convolutions[^1].Forward(y, rectify: true, shortcut);
        y.Release();
        if (shortcut != x)
            shortcut.Release();
        return result;
    }
}
