using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Memory that later work will read, fetched line by line while tiles of this work are computed: rows of a head are a few lines each, a
/// stride apart, and reading them fresh from memory costs as much as the products of short sequences. default fetches nothing.
/// </summary>
internal unsafe struct Lookahead
{
    private float* _next;
    private long _left;

    /// <summary>Part <paramref name="part"/> of <paramref name="parts"/> of a run of floats.</summary>
    public Lookahead(float* start, long length, int part, int parts)
    {
        long first = length * part / parts;
        _next = start + first;
        _left = (length * (part + 1) / parts) - first;
    }

    /// <summary>Whether the next tile, of <paramref name="depth"/> steps, has something to fetch; moves on if so.</summary>
    public bool Take(int depth, out StreamFetch fetch)
    {
        fetch = new StreamFetch(_next);
        if (_left <= 0)
            return false;
        long floats = (long)depth * StreamFetch.Line;
        _next += floats;
        _left -= floats;
        return true;
    }
}
