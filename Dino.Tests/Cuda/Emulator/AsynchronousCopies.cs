using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>The copies into shared memory that a warp has started. Nothing arrives before it is waited for.</summary>
internal sealed unsafe class AsynchronousCopies : IDisposable
{
    /// <summary>Bytes of the largest copy.</summary>
    private const int Largest = 16;

    /// <summary>Groups that have been closed, for each lane.</summary>
    private readonly int[] _groups = new int[Warp.Lanes];

    private Copy[] _copies = [];
    private byte* _data;
    private int _count;

    public void Clear()
    {
        _count = 0;
        Array.Clear(_groups);
    }

    /// <summary>Starts a copy: takes the source at once, as late as the wait is when the target gets it.</summary>
    public void Start(Warp warp, int lane, byte* source, int sourceBytes, long address, int bytes)
    {
        if (_count == _copies.Length)
            Grow();
        Buffer.MemoryCopy(source, _data + (_count * Largest), Largest, sourceBytes);
        NativeMemory.Clear(_data + (_count * Largest) + sourceBytes, (nuint)(bytes - sourceBytes));
        _copies[_count++] = new(lane, _groups[lane], address, bytes);
        warp.Block.Shared.Write(warp.Index, lane, address, bytes);
        warp.Block.Shared.MarkCopy(address, bytes, isUnderWay: true);
    }

    public void CloseGroup(int lane) => _groups[lane]++;

    /// <summary>Finishes the copies of a lane up to its newest groups.</summary>
    /// <param name="newest">Groups that may stay under way; below 0, copies in no group are waited for too.</param>
    public void Wait(Warp warp, int lane, int newest)
    {
        int last = newest < 0 ? int.MaxValue : _groups[lane] - newest, kept = 0;
        for (int n = 0; n < _count; n++)
        {
            Copy copy = _copies[n];
            if (copy.Lane == lane && copy.Group < last)
            {
                SharedMemory shared = warp.Block.Shared;
                shared.MarkCopy(copy.Address, copy.Bytes, isUnderWay: false);
                Buffer.MemoryCopy(_data + (n * Largest), shared.Write(warp.Index, lane, copy.Address, copy.Bytes), copy.Bytes, copy.Bytes);
                continue;
            }

            if (kept != n)
            {
                _copies[kept] = copy;
                Buffer.MemoryCopy(_data + (n * Largest), _data + (kept * Largest), Largest, Largest);
            }

            kept++;
        }

        _count = kept;
    }

    public void Dispose()
    {
        NativeMemory.Free(_data);
        _data = null;
        _copies = [];
    }

    private void Grow()
    {
        Array.Resize(ref _copies, Math.Max(256, 2 * _copies.Length));
        _data = (byte*)NativeMemory.Realloc(_data, (nuint)(_copies.Length * Largest));
    }

    private readonly record struct Copy(int Lane, int Group, long Address, int Bytes);
}
