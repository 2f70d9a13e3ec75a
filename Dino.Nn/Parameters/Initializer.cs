using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Nn;

/// <summary>How a parameter gets its first values: a distribution and its numbers.</summary>
public readonly record struct Initializer
{
    private enum Kind : byte
    {
        Constant,
        Uniform,
        Normal,
        WithoutMiddle,
        Values,
    }

    private readonly Kind _kind;
    private readonly float _a;
    private readonly float _b;
    private readonly float[]? _values;

    private Initializer(Kind kind, float a, float b) => (_kind, _a, _b) = (kind, a, b);

    private Initializer(float[] values) => (_kind, _values) = (Kind.Values, values);

    /// <summary>All zeros.</summary>
    public static Initializer Zeros => Constant(0);

    /// <summary>All ones.</summary>
    public static Initializer Ones => Constant(1);

    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(float value) => new(Kind.Constant, value, 0);

    /// <summary>Uniform in [-bound, bound).</summary>
    public static Initializer Uniform(float bound) => new(Kind.Uniform, -bound, bound);

    /// <summary>What torch.nn.Linear and Conv2d start from: uniform within 1/√fanIn.</summary>
    public static Initializer FanIn(int fanIn) => Uniform(1 / MathF.Sqrt(fanIn));

    /// <summary>
    /// Normal, mean 0. DINO's trunc_normal_ cuts at the absolute values ±2, which is 100 deviations at 0.02: a plain normal.
    /// </summary>
    public static Initializer Normal(float deviation) => new(Kind.Normal, 0, deviation);

    /// <summary>Ones, but zeros in the middle third: what the biases of queries, keys and values are multiplied by where keys have none.</summary>
    public static Initializer WithoutMiddleThird => new(Kind.WithoutMiddle, 0, 0);

    /// <summary>These values, row-major: constants that a network computes with.</summary>
    public static Initializer Values(float[] values) => new(values);

    /// <summary>Writes the first values.</summary>
    public void Fill(Tensor tensor, RandomKey key)
    {
        switch (_kind)
        {
            case Kind.Constant:
                tensor.Device.Backend.Fill(tensor.View, _a);
                break;
            case Kind.Uniform:
                tensor.Device.Backend.RandomUniform(tensor.View, key, _a, _b);
                break;
            case Kind.WithoutMiddle:
                int third = checked((int)(tensor.Count / 3));
                tensor.Device.Backend.Fill(tensor.View, 1);
                tensor.Device.Backend.Fill(tensor.View.Slice(third, [third]), 0);
                break;
            case Kind.Values:
                tensor.Device.Backend.Upload(MemoryMarshal.AsBytes<float>(_values), tensor.View);
                break;
            default:
                tensor.Device.Backend.RandomNormal(tensor.View, key, _a, _b);
                break;
        }
    }
}
