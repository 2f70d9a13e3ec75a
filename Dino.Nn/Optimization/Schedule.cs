namespace Dino.Nn;

/// <summary>A value for each iteration of a training run.</summary>
public sealed class Schedule
{
    private readonly double[] _values;
    private readonly double _end;

    private Schedule(double[] values, double end) => (_values, _end) = (values, end);

    /// <summary>Number of iterations.</summary>
    public int Length => _values.Length;

    /// <summary>All values.</summary>
    public ReadOnlySpan<double> Values => _values;

    /// <summary>The value of an iteration; the final value after the last one.</summary>
    public double this[long step] => step < _values.Length ? _values[step] : _end;

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
        if (warmupEpochs > epochs)
            throw new ArgumentException($"A warm-up of {warmupEpochs} epochs does not fit a run of {epochs}. Shorten the warm-up or train longer.");
        return CosineOverSteps(start, end, checked(epochs * iterationsPerEpoch), warmupEpochs * iterationsPerEpoch, warmupStart);
    }

    /// <summary><see cref="Cosine"/> counted in steps, optionally after some steps at zero.</summary>
    /// <param name="start">Base value, reached at the end of the warm-up.</param>
    /// <param name="end">Value the cosine tends to, and the value of any later step.</param>
    /// <param name="steps">Steps of the whole run.</param>
    /// <param name="warmup">Steps of the warm-up.</param>
    /// <param name="warmupStart">First value of the warm-up.</param>
    /// <param name="frozen">Steps at zero before the warm-up.</param>
    /// <exception cref="ArgumentException">Frozen and warm-up steps exceed the run.</exception>
    /// <remarks>DINOv2's CosineScheduler.</remarks>
    public static Schedule CosineOverSteps(double start, double end, int steps, int warmup = 0, double warmupStart = 0, int frozen = 0)
    {
        if (frozen + warmup > steps)
            throw new ArgumentException($"{frozen} frozen and {warmup} warm-up steps do not fit a run of {steps}. Shorten them or train longer.");
        double[] values = new double[steps];
        Linspace(warmupStart, start, values.AsSpan(frozen, warmup));
        int begin = frozen + warmup, rest = steps - begin;
        for (int i = 0; i < rest; i++)
            values[begin + i] = HalfCosine(start, end, (double)i / rest);
        return new Schedule(values, end);
    }

    /// <summary>Half a cosine down in one period and up again in the next: torch's CosineAnnealingLR.</summary>
    /// <param name="start">Value at step 0.</param>
    /// <param name="end">Value after one period.</param>
    /// <param name="period">Steps from start to end.</param>
    /// <param name="steps">Steps of the whole run.</param>
    public static Schedule Annealing(double start, double end, int period, int steps)
    {
        double[] values = new double[steps];
        for (int i = 0; i < steps; i++)
            values[i] = HalfCosine(start, end, (double)i / period);
        return new Schedule(values, end);
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
        return new Schedule(values, end);
    }

    private static double HalfCosine(double start, double end, double position) =>
        end + (0.5 * (start - end) * (1 + Math.Cos(Math.PI * position)));

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
