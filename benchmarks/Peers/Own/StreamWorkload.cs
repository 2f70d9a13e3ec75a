using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>What a kernel reads and writes for each element.</summary>
internal enum Traffic
{
    /// <summary>Reads x, writes y.</summary>
    Copy,

    /// <summary>Reads x and y, writes a third array.</summary>
    Add,

    /// <summary>Reads x and y, writes y.</summary>
    Lerp,

    /// <summary>Reads four arrays, writes three of them: an Adam step.</summary>
    Update,
}

/// <summary>The machine's memory bandwidth for a kernel's traffic and working set, each thread on its own part, next to no arithmetic.</summary>
internal sealed unsafe class StreamWorkload : IWorkload
{
    /// <summary>Bytes moved in a repetition, by several passes where the arrays are small: starting threads must not count.</summary>
    private const double LeastBytes = 1 << 30;

    private readonly Traffic _traffic;
    private readonly int _floats, _threads, _passes;
    private readonly float*[] _arrays = new float*[4];

    public StreamWorkload(Traffic traffic, int floats, int threads)
    {
        (_traffic, _floats, _threads, _passes) = (traffic, floats, threads, Passes(traffic, floats));
        for (int i = 0; i < _arrays.Length; i++)
        {
            _arrays[i] = (float*)NativeMemory.AlignedAlloc((nuint)floats * sizeof(float), 64);
            new Span<float>(_arrays[i], floats).Fill(i + 0.5f);
        }
    }

    /// <summary>Bytes that one pass reads and writes; a store is counted once, though the cache may read its line first.</summary>
    public static double BytesOf(Traffic traffic, double floats) => sizeof(float) * floats * traffic switch { Traffic.Copy => 2, Traffic.Update => 7, _ => 3 };

    /// <summary>Bytes of one repetition.</summary>
    public static double BytesOfRun(Traffic traffic, int floats) => Passes(traffic, floats) * BytesOf(traffic, floats);

    public void Run()
    {
        int part = _floats / _threads / 16 * 16;
        Parts.Run(_threads, index =>
        {
            for (int pass = 0; pass < _passes; pass++)
                Pass(index * part, index == _threads - 1 ? _floats / 16 * 16 : (index + 1) * part);
        });
    }

    /// <summary>Whether the memory still holds numbers: nobody else has them.</summary>
    public double[] Check() => [float.IsFinite(_arrays[1][0]) ? 1 : 0];

    public void Dispose()
    {
        foreach (float* array in _arrays)
            NativeMemory.AlignedFree(array);
    }

    private static int Passes(Traffic traffic, int floats) => Math.Max(1, (int)(LeastBytes / BytesOf(traffic, floats)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pass(int begin, int end)
    {
        float* x = _arrays[0], y = _arrays[1], z = _arrays[2], w = _arrays[3];
        Vector512<float> half = Vector512.Create(0.5f);
        switch (_traffic)
        {
            case Traffic.Copy:
                for (int i = begin; i < end; i += 16)
                    Vector512.LoadAligned(x + i).StoreAligned(y + i);
                break;
            case Traffic.Add:
                for (int i = begin; i < end; i += 16)
                    (Vector512.LoadAligned(x + i) + Vector512.LoadAligned(y + i)).StoreAligned(z + i);
                break;
            case Traffic.Lerp:
                for (int i = begin; i < end; i += 16)
                    ((Vector512.LoadAligned(x + i) + Vector512.LoadAligned(y + i)) * half).StoreAligned(y + i);
                break;
            default:
                for (int i = begin; i < end; i += 16)
                {
                    Vector512<float> gradient = Vector512.LoadAligned(x + i);
                    ((Vector512.LoadAligned(y + i) + gradient) * half).StoreAligned(y + i);
                    ((Vector512.LoadAligned(z + i) + gradient) * half).StoreAligned(z + i);
                    ((Vector512.LoadAligned(w + i) + gradient) * half).StoreAligned(w + i);
                }

                break;
        }
    }
}
