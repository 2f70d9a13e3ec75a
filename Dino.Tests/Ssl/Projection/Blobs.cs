namespace Dino.Tests.Ssl.Projection;

/// <summary>Rows in well-separated groups, and whether a plane keeps the groups together.</summary>
internal static class Blobs
{
    /// <summary>Normal noise of deviation 1 around centres that are about ten deviations apart in every coordinate.</summary>
    public static float[] Draw(int groups, int each, int width, int seed = 4)
    {
        Random random = new(seed);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double[] centres = [.. Enumerable.Range(0, groups * width).Select(_ => 10 * Normal())];
        return [.. from g in Enumerable.Range(0, groups) from i in Enumerable.Range(0, each) from d in Enumerable.Range(0, width) select (float)(centres[(g * width) + d] + Normal())];
    }

    /// <summary>The share of points whose nearest other point is of the same group.</summary>
    public static double Kept(float[] x, float[] y, int each)
    {
        int same = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int nearest = Enumerable.Range(0, x.Length).Where(j => j != i).MinBy(j => double.Hypot(x[i] - x[j], y[i] - y[j]));
            same += nearest / each == i / each ? 1 : 0;
        }

        return (double)same / x.Length;
    }
}
