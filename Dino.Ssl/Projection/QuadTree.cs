using System.Runtime.InteropServices;

namespace Dino.Ssl.Projection;

/// <summary>Points of the plane in nested squares, for the Barnes-Hut approximation of t-SNE's repulsion.</summary>
/// <remarks>
/// Barnes and Hut 1986, van der Maaten 2014. Points are sorted along a Z-shaped curve, so that those of a square lie side by side; squares stand in the order of a
/// walk from the root, each with the place where the walk goes on if it does not enter. Rebuilding needs no memory once arrays are large enough.
/// </remarks>
internal sealed class QuadTree
{
    /// <summary>Squares with at most so many points are not divided.</summary>
    private const int LeafPoints = 8;

    /// <summary>Bits of a coordinate on the curve, which is the depth of the smallest squares.</summary>
    private const int Depth = 16;

    private readonly ulong[] _keys;
    private readonly int[] _order;
    private readonly float[] _x, _y;
    private readonly List<Square> _squares = [];

    /// <param name="count">Number of points.</param>
    public QuadTree(int count) => (_keys, _order, _x, _y) = (new ulong[count], new int[count], new float[count], new float[count]);

    /// <summary>The points along the curve: neighbours in this order see much the same squares.</summary>
    public ReadOnlySpan<int> Order => _order;

    /// <summary>Sorts points into squares.</summary>
    public void Build(float[] x, float[] y)
    {
        (float left, float right, float top, float bottom) = (x.Min(), x.Max(), y.Min(), y.Max());
        float side = Math.Max(Math.Max(right - left, bottom - top), float.Epsilon * 1e6f);
        float scale = ((1 << Depth) - 1) / side;
        for (int i = 0; i < x.Length; i++)
        {
            // The number of the point decides among points of the smallest square: the order is never chance.
            _keys[i] = ((ulong)(Spread((uint)((x[i] - left) * scale)) | (Spread((uint)((y[i] - top) * scale)) << 1)) << 32) | (uint)i;
        }

        Array.Sort(_keys);
        for (int i = 0; i < x.Length; i++)
        {
            _order[i] = (int)(uint)_keys[i];
            (_x[i], _y[i]) = (x[_order[i]], y[_order[i]]);
        }

        _squares.Clear();
        Divide(0, x.Length, Depth, side);
    }

    /// <summary>Adds up what all points do to one: Σ q² (p - pⱼ) and Σ q, with q = 1 / (1 + ‖p - pⱼ‖²). The point itself counts as q = 1.</summary>
    public (float X, float Y, float Sum) Repulsion(float x, float y, float angle)
    {
        ReadOnlySpan<Square> squares = CollectionsMarshal.AsSpan(_squares);
        (float forceX, float forceY, float sum, float limit) = (0, 0, 0, angle * angle);
        for (int s = 0; s < squares.Length;)
        {
            ref readonly Square square = ref squares[s];
            float dx = x - square.X, dy = y - square.Y, distance = (dx * dx) + (dy * dy);
            if (square.SideSquared < limit * distance)
            {
                float q = 1 / (1 + distance), mass = (square.End - square.Start) * q;
                (forceX, forceY, sum, s) = (forceX + (mass * q * dx), forceY + (mass * q * dy), sum + mass, square.Next);
            }
            else if (square.Next == s + 1)
            {
                for (int j = square.Start; j < square.End; j++)
                {
                    (dx, dy) = (x - _x[j], y - _y[j]);
                    float q = 1 / (1 + (dx * dx) + (dy * dy));
                    (forceX, forceY, sum) = (forceX + (q * q * dx), forceY + (q * q * dy), sum + q);
                }

                s = square.Next;
            }
            else
            {
                s++;
            }
        }

        return (forceX, forceY, sum);
    }

    private void Divide(int start, int end, int level, float side)
    {
        int index = _squares.Count;
        (double x, double y) = (0, 0);
        for (int i = start; i < end; i++)
            (x, y) = (x + _x[i], y + _y[i]);
        _squares.Add(default);
        if (end - start > LeafPoints && level > 0)
        {
            int shift = 32 + (2 * (level - 1)), from = start;
            for (ulong quarter = 0; quarter < 4; quarter++)
            {
                int to = from;
                while (to < end && ((_keys[to] >> shift) & 3) == quarter)
                    to++;
                if (to > from)
                    Divide(from, to, level - 1, side / 2);
                from = to;
            }
        }

        int count = end - start;
        _squares[index] = new Square((float)(x / count), (float)(y / count), side * side, start, end, _squares.Count);
    }

    /// <summary>A zero between any two of 16 bits.</summary>
    private static uint Spread(uint bits)
    {
        bits = (bits | (bits << 8)) & 0x00FF00FF;
        bits = (bits | (bits << 4)) & 0x0F0F0F0F;
        bits = (bits | (bits << 2)) & 0x33333333;
        return (bits | (bits << 1)) & 0x55555555;
    }

    /// <param name="X">Centre of mass, with <paramref name="Y"/>.</param>
    /// <param name="Next">The square after this one and all inside it.</param>
    private readonly record struct Square(float X, float Y, float SideSquared, int Start, int End, int Next);
}
