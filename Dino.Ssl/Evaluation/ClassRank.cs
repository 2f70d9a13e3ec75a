using System.Numerics;
using System.Runtime.InteropServices;

namespace Dino.Ssl.Evaluation;

/// <summary>How a class stands among the scores of all classes.</summary>
internal static class ClassRank
{
    /// <summary>How many classes are ahead of one; of equal scores the lower class number is ahead. Last if the class is not among them, or its score is NaN.</summary>
    public static int Of(ReadOnlySpan<float> scores, int label)
    {
        if ((uint)label >= (uint)scores.Length || float.IsNaN(scores[label]))
            return int.MaxValue;
        float own = scores[label];
        // The next float below: what is above it is own or more.
        return CountAbove(scores[..label], MathF.BitDecrement(own)) + CountAbove(scores[(label + 1)..], own);
    }

    private static int CountAbove(ReadOnlySpan<float> scores, float bound)
    {
        int count = 0;
        ReadOnlySpan<Vector<float>> lanes = MemoryMarshal.Cast<float, Vector<float>>(scores);
        // A comparison gives -1 in each lane where it holds.
        foreach (Vector<float> several in lanes)
            count -= Vector.Sum(Vector.GreaterThan(several, new Vector<float>(bound)));
        foreach (float score in scores[(lanes.Length * Vector<float>.Count)..])
            count += score > bound ? 1 : 0;
        return count;
    }
}
