using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Tensors.Cpu;

/// <summary>Vectors that may be partly filled: the last one of a row.</summary>
internal static unsafe class Lanes<V> where V : struct, IVec<V>
{
    private static ReadOnlySpan<float> Ones => [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

    /// <summary>A mask of the first <paramref name="count"/> lanes, for <c>V.Select</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(int count)
    {
        // The constants lie in the image of the assembly, which does not move.
        float* ones = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Ones));
        return V.Equal(V.LoadPartial(ones, count), V.Create(1f));
    }

    /// <summary>Loads a vector that is usually full: a branch that is nearly always taken costs less than a mask, far less where there are none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* source, int count) => count == V.Count ? V.Load(source) : V.LoadPartial(source, count);

    /// <inheritdoc cref="Load"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V value, float* destination, int count)
    {
        if (count == V.Count)
            V.Store(value, destination);
        else
            V.StorePartial(value, destination, count);
    }
}
