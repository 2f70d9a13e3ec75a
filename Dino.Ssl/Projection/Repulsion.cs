using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dino.Ssl.Projection;

/// <summary>How all points push each other apart in t-SNE. A task owns some points, so no sum depends on the number of threads.</summary>
internal sealed class Repulsion(int count, float angle, ParallelOptions parallel)
{
    /// <summary>Points of a task.</summary>
    private const int Block = 128;

    private readonly float[] _sums = new float[count];
    private readonly QuadTree? _tree = angle > 0 ? new QuadTree(count) : null;

    /// <summary>Computes Σ q² (p - pⱼ) for each point, with q = 1 / (1 + ‖p - pⱼ‖²).</summary>
    /// <returns>Σ q over all pairs, both directions.</returns>
    public double Compute(float[] x, float[] y, float[] forceX, float[] forceY)
    {
        _tree?.Build(x, y);
        Parallel.For(0, (count + Block - 1) / Block, parallel, task =>
        {
            for (int k = task * Block; k < Math.Min(count, (task + 1) * Block); k++)
            {
                int i = _tree is null ? k : _tree.Order[k];
                (forceX[i], forceY[i], _sums[i]) = _tree is null ? OfAll(x, y, i) : _tree.Repulsion(x[i], y[i], angle);
            }
        });
        double total = 0;
        foreach (float sum in _sums)
            total += sum - 1;
        return Math.Max(total, double.Epsilon);
    }

    /// <summary>Every pair; the point itself counts as q = 1 and pushes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float X, float Y, float Sum) OfAll(float[] x, float[] y, int i)
    {
        (float px, float py) = (x[i], y[i]);
        Vector<float> vx = new(px), vy = new(py), forceX = default, forceY = default, sums = default;
        int j = 0;
        for (; j <= x.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector<float> dx = vx - new Vector<float>(x, j), dy = vy - new Vector<float>(y, j);
            Vector<float> q = Vector<float>.One / (Vector<float>.One + (dx * dx) + (dy * dy)), squared = q * q;
            (forceX, forceY, sums) = (forceX + (squared * dx), forceY + (squared * dy), sums + q);
        }

        (float fx, float fy, float sum) = (Vector.Sum(forceX), Vector.Sum(forceY), Vector.Sum(sums));
        for (; j < x.Length; j++)
        {
            (float dx, float dy) = (px - x[j], py - y[j]);
            float q = 1 / (1 + (dx * dx) + (dy * dy));
            (fx, fy, sum) = (fx + (q * q * dx), fy + (q * q * dy), sum + q);
        }

        return (fx, fy, sum);
    }
}
