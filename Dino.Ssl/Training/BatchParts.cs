namespace Dino.Ssl.Training;

/// <summary>The equal parts that a batch is computed in.</summary>
internal static class BatchParts
{
    /// <summary>Pictures of each part.</summary>
    /// <param name="batch">Pictures of the batch.</param>
    /// <param name="parts">How many parts.</param>
    /// <exception cref="ArgumentException">The parts are none or not of equal size; the message names the numbers that would do.</exception>
    public static int SizeOf(int batch, int parts) => parts >= 1 && batch % parts == 0 ? batch / parts : throw new ArgumentException(
        $"A batch of {batch} has no {parts} equal parts. Use --accumulate {string.Join(" or ", Neighbours(batch, parts))}, or a --batch-size that is a multiple of --accumulate.");

    /// <summary>The next divisors of the batch below and above.</summary>
    private static IEnumerable<int> Neighbours(int batch, int parts)
    {
        int[] divisors = [.. Enumerable.Range(1, batch).Where(count => batch % count == 0)];
        return divisors.Where(count => count < parts).TakeLast(1).Concat(divisors.Where(count => count > parts).Take(1));
    }
}
