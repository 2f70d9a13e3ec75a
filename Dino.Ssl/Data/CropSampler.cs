using Dino.Imaging.Transforms;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>Draws the box of a random resized crop as torchvision's RandomResizedCrop does.</summary>
public static class CropSampler
{
    private const int Attempts = 10;

    /// <summary>
    /// Draws an area and an aspect ratio (uniform in its logarithm) until the box fits, at most 10 times; then falls back to the
    /// largest central box of an allowed ratio.
    /// </summary>
    /// <param name="random">Where the draws come from: 2 per attempt and 2 for the position.</param>
    /// <param name="width">Columns of the picture.</param>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="scale">Least and largest part of the picture's area.</param>
    /// <param name="ratio">Least and largest width / height.</param>
    /// <returns>A box inside the picture, at least 1 x 1.</returns>
    public static PixelBox Draw(ref CounterRandom random, int width, int height, (double Min, double Max) scale, (double Min, double Max) ratio)
    {
        CounterDraws draws = new() { Random = random };
        PixelBox box = Draw(ref draws, width, height, scale, ratio);
        random = draws.Random;
        return box;
    }

    /// <summary>The rule itself, over any source of draws.</summary>
    internal static PixelBox Draw<TDraws>(ref TDraws draws, int width, int height, (double Min, double Max) scale, (double Min, double Max) ratio)
        where TDraws : struct, ICropDraws
    {
        double area = (double)width * height;
        (double logMin, double logMax) = (Math.Log(ratio.Min), Math.Log(ratio.Max));
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double target = area * draws.Uniform(scale.Min, scale.Max);
            // The reference takes the exponential of an F32 tensor.
            double aspect = MathF.Exp((float)draws.Uniform(logMin, logMax));
            int w = (int)Math.Round(Math.Sqrt(target * aspect), MidpointRounding.ToEven);
            int h = (int)Math.Round(Math.Sqrt(target / aspect), MidpointRounding.ToEven);
            if (w > 0 && w <= width && h > 0 && h <= height)
            {
                int top = draws.Integer(height - h + 1);
                return new PixelBox(draws.Integer(width - w + 1), top, w, h);
            }
        }

        return Fallback(width, height, ratio);
    }

    private static PixelBox Fallback(int width, int height, (double Min, double Max) ratio)
    {
        double own = (double)width / height;
        (int w, int h) = (width, height);
        if (own < ratio.Min)
            h = Math.Clamp((int)Math.Round(width / ratio.Min, MidpointRounding.ToEven), 1, height);
        else if (own > ratio.Max)
            w = Math.Clamp((int)Math.Round(height * ratio.Max, MidpointRounding.ToEven), 1, width);
        return new PixelBox((width - w) / 2, (height - h) / 2, w, h);
    }

    /// <summary>What a crop asks of a random source.</summary>
    internal interface ICropDraws
    {
        /// <summary>An F32 value in [low, high).</summary>
        double Uniform(double low, double high);

        /// <summary>An integer in [0, end).</summary>
        int Integer(int end);
    }

    private struct CounterDraws : ICropDraws
    {
        public CounterRandom Random;

        public double Uniform(double low, double high) => (float)Random.NextDouble(low, high);

        public int Integer(int end) => Random.NextInt(0, end);
    }
}
