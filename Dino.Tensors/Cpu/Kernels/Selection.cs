using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>Positions of extremes and of the k largest. NaN ranks above every number, as in torch; ties go to the lower index.</summary>
internal static unsafe class Selection<V> where V : struct, IVec<V>
{
    /// <summary>Index of the first element equal to an extreme that the row is known to hold (the first NaN when that is NaN).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int IndexOf(float* x, int n, float extreme)
    {
        int i = 0;
        if (!float.IsNaN(extreme))
        {
            V wanted = V.Create(extreme);
            while (i <= n - V.Count && !V.Any(V.Equal(V.Load(x + i), wanted)))
                i += V.Count;
        }

        for (; i < n; i++)
        {
            if (x[i] == extreme || (float.IsNaN(extreme) && float.IsNaN(x[i])))
                return i;
        }

        return 0;
    }

    /// <summary>Whether a is strictly larger: NaN beats numbers, nothing beats NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLarger(float a, float b) => a > b || (float.IsNaN(a) && !float.IsNaN(b));

    /// <summary>Whether a is strictly smaller, NaN again winning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSmaller(float a, float b) => a < b || (float.IsNaN(a) && !float.IsNaN(b));

    /// <summary>
    /// The k largest of x [n], falling. The outputs serve as a heap whose root is the worst kept element; whole groups of lanes with
    /// nothing above the root are passed over, so for k far below n the cost is one comparison per element.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TopK(float* x, int n, float* values, int* indices, int k)
    {
        for (int j = 0; j < k; j++)
        {
            values[j] = x[j];
            indices[j] = j;
        }

        for (int j = (k / 2) - 1; j >= 0; j--)
            SiftDown(values, indices, j, k);

        int i = k;
        V one = V.Create(1f);
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            // A sum finds a NaN anywhere in the group, where a maximum may lose it; the odd inf - inf only costs a second look.
            V x0 = V.Load(x + i), x1 = V.Load(x + i + V.Count), x2 = V.Load(x + i + (2 * V.Count)), x3 = V.Load(x + i + (3 * V.Count));
            V largest = V.Max(V.Max(x0, x1), V.Max(x2, x3)), sum = x0 + x1 + (x2 + x3);
            if (!V.Any(V.LessThan(V.Create(values[0]), largest)) && !V.Any(V.LessThan(V.Zero, V.Select(V.Equal(sum, sum), V.Zero, one))))
                continue;
            for (int j = i; j < i + (4 * V.Count); j += V.Count)
            {
                if (V.Any(V.LessThan(V.Zero, Above(x + j, V.Create(values[0]), one))))
                    Offer(x, j, j + V.Count, values, indices, k);
            }
        }

        Offer(x, i, n, values, indices, k);

        // Heapsort: the worst goes to the end, the next worst before it.
        for (int last = k - 1; last > 0; last--)
        {
            (values[0], values[last]) = (values[last], values[0]);
            (indices[0], indices[last]) = (indices[last], indices[0]);
            SiftDown(values, indices, 0, last);
        }
    }

    /// <summary>1 in lanes that are above the root or NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Above(float* x, V root, V one)
    {
        V lanes = V.Load(x);
        return V.Select(V.LessThan(root, lanes), one, V.Select(V.Equal(lanes, lanes), V.Zero, one));
    }

    /// <summary>A later element has the higher index, so it replaces the root only when strictly larger.</summary>
    private static void Offer(float* x, int start, int end, float* values, int* indices, int k)
    {
        for (int i = start; i < end; i++)
        {
            if (!IsLarger(x[i], values[0]))
                continue;
            values[0] = x[i];
            indices[0] = i;
            SiftDown(values, indices, 0, k);
        }
    }

    private static void SiftDown(float* values, int* indices, int parent, int count)
    {
        float value = values[parent];
        int index = indices[parent];
        while (true)
        {
            int child = (2 * parent) + 1;
            if (child >= count)
                break;
            if (child + 1 < count && IsWorse(values[child + 1], indices[child + 1], values[child], indices[child]))
                child++;
            if (!IsWorse(values[child], indices[child], value, index))
                break;
            values[parent] = values[child];
            indices[parent] = indices[child];
            parent = child;
        }

        values[parent] = value;
        indices[parent] = index;
    }

    /// <summary>Smaller, or equal and later.</summary>
    private static bool IsWorse(float a, int indexA, float b, int indexB) =>
        IsLarger(b, a) || (!IsLarger(a, b) && indexA > indexB);
}
