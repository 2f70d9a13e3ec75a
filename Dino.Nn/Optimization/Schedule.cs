namespace Dino.Nn;

/// <summary>A value for each iteration of a training run.</summary>
public sealed class Schedule
{
    private readonly double[] _values;

    private Schedule(double[] values) => _values = values;

    /// <summary>Number of iterations.</summary>
    public int Length => _values.Length;

    /// <summary>All values.</summary>
    public ReadOnlySpan<double> Values => _values;

    /// <summary>The value of an iteration.</summary>
    public double this[long step] => _values[step];

    /// <summary>Linear warm-up, then half a cosine from the base value towards the final one.</summary>
    /// <param name="start">Base value, reached at the end of the warm-up.</param>
    /// <param name="end">Value the cosine tends to, and never quite reaches.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="iterationsPerEpoch">Iterations in an epoch.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; it includes both ends, so the first value is warmupStart and the peak occurs twice.</param>
    /// <param name="warmupStart">First value of the warm-up.</param>
    /// <exception cref="ArgumentException">The warm-up is longer than the run.</exception>
    /// <remarks>The official utils.cosine_scheduler, in double precision.</remarks>
    public static Schedule Cosine(double start, double end, int epochs, int iterationsPerEpoch, int warmupEpochs = 0, double warmupStart = 0)
    {
        int total = checked(epochs * iterationsPerEpoch), warmup = warmupEpochs * iterationsPerEpoch;
        if (warmup > total)
            throw new ArgumentException($"A warm-up of {warmupEpochs} epochs does not fit a run of {epochs}. Shorten the warm-up or train longer.");
        double[] values = new double[total];
        Linspace(warmupStart, start, values.AsSpan(0, warmup));
        int rest = total - warmup;
        for (int i = 0; i < rest; i++)
            values[warmup + i] = end + (0.5 * (start - end) * (1 + Math.Cos(Math.PI * i / rest)));
        return new Schedule(values);
    }

    /// <summary>Linear from one value to another over the first epochs, constant within an epoch and afterwards: the teacher temperature.</summary>
    /// <param name="start">Value of epoch 0.</param>
    /// <param name="end">Value after the warm-up.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up, both ends included.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <returns>One value per epoch.</returns>
    public static Schedule PerEpoch(double start, double end, int warmupEpochs, int epochs)
    {
        double[] values = new double[epochs];
        double[] warmup = new double[warmupEpochs];
        Linspace(start, end, warmup);
        warmup.AsSpan(0, Math.Min(warmupEpochs, epochs)).CopyTo(values);
        values.AsSpan(Math.Min(warmupEpochs, epochs)).Fill(end);
        return new Schedule(values);
    }

    /// <summary>Both ends included; a single value is the start, as in numpy.</summary>
    private static void Linspace(double start, double end, Span<double> values)
    {
        if (values.IsEmpty)
            return;
        double step = values.Length > 1 ? (end - start) / (values.Length - 1) : 0;
        for (int i = 0; i < values.Length; i++)
            values[i] = start + (i * step);
        if (values.Length > 1)
            values[^1] = end;
    }
}
