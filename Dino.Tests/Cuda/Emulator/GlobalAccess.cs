using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Checks the addresses of accesses to device memory. Each instruction remembers the allocation it was in last.</summary>
internal sealed unsafe class GlobalAccess(DeviceMemory memory)
{
    private (long Start, long End)[] _last = [];
    private int _version;

    /// <summary>Forgets the launch before.</summary>
    public void Prepare(int instructions)
    {
        if (_last.Length < instructions)
            _last = new (long, long)[instructions];
        Array.Clear(_last, 0, instructions);
        _version = memory.Version;
    }

    /// <summary>Host addresses of an access by the lanes of a warp.</summary>
    /// <param name="addresses">Device addresses on entry, host addresses on return.</param>
    /// <param name="bytes">Size of the access of each lane, a power of two that its address is a multiple of.</param>
    public void Translate(int instruction, long* addresses, uint mask, int bytes)
    {
        ref (long Start, long End) last = ref _last[instruction];
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long address = addresses[lane];
            if ((address & (bytes - 1)) != 0)
                throw new KernelFault(lane, $"address 0x{address:x} of {bytes} bytes is not aligned to them");
            if (address < last.Start || address > last.End - bytes)
            {
                last = memory.Find(address);
                if (last.Start == 0 || address > last.End - bytes)
                    throw new KernelFault(lane, $"{bytes} bytes at 0x{address:x} are not allocated: they are {memory.Describe(address)}");
            }

            addresses[lane] = address - DeviceMemory.Distance;
        }
    }
}
