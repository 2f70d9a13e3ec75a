using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>An RGB colour in [0, 1].</summary>
internal readonly record struct Colour(double R, double G, double B)
{
    /// <summary>Rec. 601 luma.</summary>
    public double Luma => (0.299 * R) + (0.587 * G) + (0.114 * B);

    /// <summary>Any lightness with a tint.</summary>
    /// <remarks>
    /// Muted on purpose: the colours of a picture survive its crops, so with free colours a small network trained by
    /// self-distillation may sort pictures by colour and never look at the pattern (in a trial of 700 steps with free colours,
    /// 20-NN stayed at the 16 % of the untrained network).
    /// </remarks>
    public static Colour Random(ref CounterRandom random)
    {
        double grey = random.NextDouble(0.12, 0.88);
        return new Colour(grey, grey, grey).Near(ref random, 0.06);
    }

    /// <summary>This colour moved by at most <paramref name="reach"/> per channel.</summary>
    public Colour Near(ref CounterRandom random, double reach) => new(
        Math.Clamp(R + random.NextDouble(-reach, reach), 0, 1),
        Math.Clamp(G + random.NextDouble(-reach, reach), 0, 1),
        Math.Clamp(B + random.NextDouble(-reach, reach), 0, 1));

    public static Colour Mix(Colour a, Colour b, double t) => new(a.R + (t * (b.R - a.R)), a.G + (t * (b.G - a.G)), a.B + (t * (b.B - a.B)));

    public Colour Scale(double factor) => new(R * factor, G * factor, B * factor);
}
