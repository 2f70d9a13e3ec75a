using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// Finds races in device memory. Time advances with every block and every barrier of a block. Within a launch, what one block writes no other may touch,
/// and what one warp writes another of its block may touch only behind a barrier: on a device, nothing else says what comes first.
/// </summary>
/// <remarks>Every two bytes have a mark of who wrote and one of who read them last: the time, and below it the warp. Single bytes are not looked after.</remarks>
internal unsafe struct RaceClock
{
    /// <summary>Bytes that share a mark.</summary>
    public const int Bytes = 2;

    private const int WarpBits = 6;

    /// <summary>Warp of a mark that stands for several.</summary>
    private const int Many = (1 << WarpBits) - 1;

    /// <summary>Marks from these on are of this launch, of this block, and of the time since its last barrier.</summary>
    private int _launch, _block, _now;

    /// <summary>Whether the numbers are used up, so that all marks have to be forgotten.</summary>
    public readonly bool IsWornOut => _now > 1 << 30;

    public void Reset() => (_launch, _block, _now) = (0, 0, 0);

    public void BeginLaunch() => _launch = _now += 1 << WarpBits;

    public void BeginBlock() => _block = _now += 1 << WarpBits;

    public void PassBarrier() => _now += 1 << WarpBits;

    /// <summary>Marks what a warp reads; what is wrong with it, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly string? Read(int* writers, int* readers, int count, int warp)
    {
        int mine = _now | warp, n = 0;
        for (; n + Vector256<int>.Count <= count; n += Vector256<int>.Count)
        {
            if (!AreOrdered(Vector256.Load(writers + n), mine) || !AreOrdered(Vector256.Load(readers + n), mine))
                break;
            Vector256.Create(mine).Store(readers + n);
        }

        for (; n < count; n++)
        {
            if (!IsOrdered(writers[n], mine))
                return $"reads what {Name(writers[n])} wrote";
            // That another block has read is kept: this one must not write.
            int reader = readers[n];
            if (IsOrdered(reader, mine))
                readers[n] = mine;
            else if (reader >= _block)
                readers[n] = _now | Many;
        }

        return null;
    }

    /// <summary>Marks what a warp writes; what is wrong with it, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly string? Write(int* writers, int* readers, int count, int warp)
    {
        int mine = _now | warp, n = 0;
        for (; n + Vector256<int>.Count <= count; n += Vector256<int>.Count)
        {
            if (!AreOrdered(Vector256.Load(writers + n), mine) || !AreOrdered(Vector256.Load(readers + n), mine))
                break;
            Vector256.Create(mine).Store(writers + n);
        }

        for (; n < count; n++)
        {
            if (!IsOrdered(writers[n], mine))
                return $"writes what {Name(writers[n])} wrote";
            if (!IsOrdered(readers[n], mine))
                return $"writes what {Name(readers[n])} read";
            writers[n] = mine;
        }

        return null;
    }

    /// <summary>Whether what a mark stands for came before: in an earlier launch, behind a barrier, or in the same warp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsOrdered(int mark, int mine) => mark < _launch || mark == mine || (mark >= _block && mark < _now);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool AreOrdered(Vector256<int> marks, int mine)
    {
        Vector256<int> behindBarrier = Vector256.GreaterThanOrEqual(marks, Vector256.Create(_block)) & Vector256.LessThan(marks, Vector256.Create(_now));
        return (Vector256.LessThan(marks, Vector256.Create(_launch)) | Vector256.Equals(marks, Vector256.Create(mine)) | behindBarrier) == Vector256<int>.AllBitsSet;
    }

    private readonly string Name(int mark) => mark < _block ? "another block" : (mark & Many) == Many ? "several warps" : $"warp {mark & Many}";
}
