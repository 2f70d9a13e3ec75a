using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>Rotary position embedding of heads of D elements: lanes run along the first half, and along the second beside it; a tail is masked.</summary>
internal static unsafe class RotateKernels<V> where V : struct, IVec<V>
{
    /// <summary>
    /// For each of <paramref name="heads"/>: (a, b) becomes (a cos - b sin, b cos + a sin), where a is element j and b element j + half; sign -1 turns
    /// back. Both are loaded before either is stored: y may be x.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Heads(float* x, float* cosines, float* sines, float sign, float* y, bool accumulate, int heads, int half)
    {
        V direction = V.Create(sign);
        for (int head = 0; head < heads; head++, x += 2 * half, y += 2 * half)
        {
            for (int j = 0; j < half; j += V.Count)
            {
                int count = Math.Min(V.Count, half - j);
                V a = Lanes<V>.Load(x + j, count), b = Lanes<V>.Load(x + half + j, count);
                V cosine = Lanes<V>.Load(cosines + j, count), sine = Lanes<V>.Load(sines + j, count) * direction;
                V first = V.MultiplyAdd(a, cosine, -(b * sine)), second = V.MultiplyAdd(b, cosine, a * sine);
                if (accumulate)
                {
                    first = first + Lanes<V>.Load(y + j, count);
                    second = second + Lanes<V>.Load(y + half + j, count);
                }

                Lanes<V>.Store(first, y + j, count);
                Lanes<V>.Store(second, y + half + j, count);
            }
        }
    }

    /// <summary>y = x, or y += x; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Keep(float* x, float* y, bool accumulate, int n)
    {
        for (int i = 0; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V value = Lanes<V>.Load(x + i, count);
            Lanes<V>.Store(accumulate ? value + Lanes<V>.Load(y + i, count) : value, y + i, count);
        }
    }
}
