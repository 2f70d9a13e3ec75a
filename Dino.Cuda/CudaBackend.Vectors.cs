namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>F32 elements that a thread loads at once.</summary>
    private const int QuadElements = 4;

    /// <summary>Elements that kernels count with 32 bits and a sign; what has more is launched in parts. Tests lower it.</summary>
    internal long MostCounted { get; set; } = int.MaxValue;

    /// <summary>Elements that may be taken four at a time, in quads.</summary>
    /// <param name="addresses">The addresses of all operands, joined by OR: aligned where all of them are.</param>
    private static long Quads(long count, nint addresses) => addresses % (QuadElements * sizeof(float)) == 0 ? count / QuadElements : 0;

    /// <summary>The largest power of two, 16 at most, that divides what is given, joined by OR: how many bytes a thread can move at once.</summary>
    private static int UnitBytes(long addressesAndLengths) => (int)((addressesAndLengths | 16) & -(addressesAndLengths | 16));
}
