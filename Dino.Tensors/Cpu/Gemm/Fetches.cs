using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>What a register tile asks the caches for while it computes, as a type argument.</summary>
internal unsafe interface IFetch
{
    /// <summary>Called once for each k with the first element of a and of b.</summary>
    void Step(float* a, float* b);
}

/// <summary>Nothing: the hardware sees what comes next.</summary>
internal readonly unsafe struct NoFetch : IFetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(float* a, float* b) { }
}

/// <summary>One line of a and one of b into the second-level cache, at fixed distances from those in use.</summary>
/// <remarks>
/// Operands whose next block lies a stride per k away change pages faster than the hardware looks ahead. Distance 0 asks for a line that
/// is there: no cost worth a branch.
/// </remarks>
internal readonly unsafe struct LineFetch(nint distanceA, nint distanceB) : IFetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(float* a, float* b)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(a + distanceA);
            Sse.Prefetch1(b + distanceB);
        }
    }
}

/// <summary>One line of b, at a fixed distance from the one in use.</summary>
internal readonly unsafe struct PanelFetch(nint distance) : IFetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(float* a, float* b)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(b + distance);
    }
}

/// <summary>One line after the other of memory that lies in one piece.</summary>
internal unsafe struct StreamFetch(float* next) : IFetch
{
    /// <summary>Floats of a cache line.</summary>
    public const int Line = 16;

    private float* _next = next;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(float* a, float* b)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(_next);
        _next += Line;
    }
}

/// <summary>Spreads the cache lines that lie side by side in a row of the next block over the tiles of this one.</summary>
internal struct FetchSchedule(int columns, int tiles)
{
    private readonly int _lines = (columns + StreamFetch.Line - 1) / StreamFetch.Line;
    private int _tile;

    /// <summary>The column of the line that the next tile should fetch, or -1.</summary>
    public int Next()
    {
        int line = (int)((long)_tile * _lines / tiles);
        bool isNew = (int)((long)++_tile * _lines / tiles) > line;
        return isNew ? line * StreamFetch.Line : -1;
    }
}
