using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Rows of floats as bytes by the rule of <see cref="Quantization"/>: two passes, the second from L1.</summary>
internal static unsafe class ByteRows<V>
    where V : struct, IVec<V>
{
    /// <summary>Bytes between the starts of quantised rows: whole vectors, on cache lines.</summary>
    public static nint Stride(int inputs) => (inputs + 63) & ~63;

    /// <summary>An input: x = least + scale · byte.</summary>
    /// <param name="bytes"><see cref="Stride"/> bytes; those behind the row hold anything.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void QuantizeInput(float* x, int inputs, byte* bytes, out float scale, out float least)
    {
        // Every lane begins with the first element: what a partly filled vector adds must be an element too.
        V first = V.Create(*x), smallest = first, largest = first, spoiled = V.Zero;
        V smallest2 = first, largest2 = first, spoiled2 = V.Zero;
        int k = 0;
        // Two chains: one waits for its own results.
        for (; k <= inputs - 2 * V.Count; k += 2 * V.Count)
        {
            V value = V.Load(x + k), value2 = V.Load(x + k + V.Count);
            smallest = V.Min(smallest, value);
            smallest2 = V.Min(smallest2, value2);
            largest = V.Max(largest, value);
            largest2 = V.Max(largest2, value2);
            // 0 for numbers, NaN for NaN and infinities: minima and maxima may lose a NaN.
            spoiled = V.MultiplyAdd(value, V.Zero, spoiled);
            spoiled2 = V.MultiplyAdd(value2, V.Zero, spoiled2);
        }

        for (; k < inputs; k += V.Count)
        {
            int lanes = Math.Min(V.Count, inputs - k);
            V value = V.Select(V.FirstLanes(lanes), Lanes<V>.Load(x + k, lanes), first);
            smallest = V.Min(smallest, value);
            largest = V.Max(largest, value);
            spoiled = V.MultiplyAdd(value, V.Zero, spoiled);
        }

        smallest = V.Min(smallest, smallest2);
        largest = V.Max(largest, largest2);
        spoiled = spoiled + spoiled2;
        least = -V.MaxAcross(-smallest);
        float range = MathF.Max(V.MaxAcross(largest) - least, Quantization.Smallest) + V.Sum(spoiled);
        scale = range * (1 / Quantization.InputLevels);
        V offset = V.Create(least), factor = V.Create(Quantization.InputLevels / range), shift = V.Create(Quantization.InputShift);
        for (k = 0; k <= inputs - V.Count; k += V.Count)
            V.StoreBytes((V.Load(x + k) - offset) * factor + shift, bytes + k);
        if (k < inputs)
            V.StoreBytes((V.LoadPartial(x + k, inputs - k) - offset) * factor + shift, bytes + k);
    }

    /// <summary>A row of a weight: w = scale · (byte - 128).</summary>
    /// <inheritdoc cref="QuantizeInput"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void QuantizeWeight(float* w, int inputs, byte* bytes, out float scale)
    {
        V largest = V.Zero, spoiled = V.Zero;
        for (int k = 0; k < inputs; k += V.Count)
        {
            V value = Lanes<V>.Load(w + k, Math.Min(V.Count, inputs - k));
            largest = V.Max(largest, V.Abs(value));
            spoiled = V.MultiplyAdd(value, V.Zero, spoiled);
        }

        float most = MathF.Max(V.MaxAcross(largest), Quantization.Smallest) + V.Sum(spoiled);
        scale = most * (1 / Quantization.WeightLevels);
        V factor = V.Create(Quantization.WeightLevels / most), shift = V.Create(Quantization.WeightShift);
        for (int k = 0; k < inputs; k += V.Count)
            V.StoreBytes(Lanes<V>.Load(w + k, Math.Min(V.Count, inputs - k)) * factor + shift, bytes + k);
    }
}

/// <summary>Quantises the rows of an input.</summary>
internal readonly unsafe struct ByteRowsRange<V>(float* x, int inputs, byte* bytes, float* scales, float* leasts) : IRange
    where V : struct, IVec<V>
{
    public void Run(long start, long end)
    {
        for (long row = start; row < end; row++)
            ByteRows<V>.QuantizeInput(x + (nint)row * inputs, inputs, bytes + (nint)row * ByteRows<V>.Stride(inputs), out scales[row], out leasts[row]);
    }
}
