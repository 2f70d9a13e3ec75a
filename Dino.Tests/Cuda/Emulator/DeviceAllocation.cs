using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>A piece of device memory with room around it that belongs to nobody.</summary>
internal sealed unsafe class DeviceAllocation : IDisposable
{
    /// <summary>Device address minus host address; no processor maps anything there.</summary>
    public const long Distance = 1L << 52;

    /// <summary>What fresh memory is full of: as F32, BF16, F16 and I32 a conspicuous value, three times NaN.</summary>
    public const byte Poison = 0xFF;

    /// <summary>Room on either side.</summary>
    public const int Gap = 4096;

    private const int Alignment = 512;

    private byte* _block;

    public DeviceAllocation(long bytes)
    {
        _block = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Gap)), Alignment);
        NativeMemory.Fill(_block + Gap, (nuint)bytes, Poison);
        Start = (long)(_block + Gap) + Distance;
        End = Start + bytes;
        Forget();
    }

    /// <summary>The first device address, and the first behind it.</summary>
    public long Start { get; }

    public long End { get; }

    /// <summary>Who has written and who has read, a mark for every <see cref="RaceClock.Bytes"/>.</summary>
    public int* Writers { get; private set; }

    public int* Readers { get; private set; }

    public long Bytes => End - Start;

    /// <summary>Forgets who has written and read.</summary>
    public void Forget()
    {
        NativeMemory.Free(Writers);
        NativeMemory.Free(Readers);
        // Zero pages cost nothing until they are touched.
        nuint marks = (nuint)(Bytes / RaceClock.Bytes) + 1;
        Writers = (int*)NativeMemory.AllocZeroed(marks, sizeof(int));
        Readers = (int*)NativeMemory.AllocZeroed(marks, sizeof(int));
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_block);
        NativeMemory.Free(Writers);
        NativeMemory.Free(Readers);
        _block = null;
        Writers = null;
        Readers = null;
    }
}
