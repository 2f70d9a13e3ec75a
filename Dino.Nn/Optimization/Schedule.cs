namespace Dino.Nn;

/// <summary>A value for each iteration of a training run, worked out when it is asked for: a long run has millions.</summary>
public sealed class Schedule
{
    private readonly Func<long, double> _value;
    private readonly double _end;

    private Schedule(long length, Func<long, double> value, double end) => (Length, _value, _end) = (length, value, end);

    /// <summary>Number of iterations.</summary>
    public long Length { get; }

    /// <summary>All values.</summary>
    public IEnumerable<double> Values
    {
        get
        {
            for (long step = 0; step < Length; step++)
                yield return _value(step);
        }
    }

    /// <summary>The value of an iteration; the final value after the last one.</summary>
    public double this[long step] => step < Length ? _value(step) : _end;

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
        return CosineOverSteps(start, end, (long)epochs * iterationsPerEpoch, (long)warmupEpochs * iterationsPerEpoch, warmupStart);
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
    public static Schedule CosineOverSteps(double start, double end, long steps, long warmup = 0, double warmupStart = 0, long frozen = 0)
    {
        if (frozen + warmup > steps)
            throw new ArgumentException($"{frozen} frozen and {warmup} warm-up steps do not fit a run of {steps}. Shorten them or train longer.");
        long begin = frozen + warmup, rest = steps - begin;
        return new Schedule(steps, Value, end);

        double Value(long step) => step < frozen ? 0
            : step < begin ? Linear(warmupStart, start, step - frozen, warmup)
            : HalfCosine(start, end, (double)(step - begin) / rest);
    }

    /// <summary>Half a cosine down in one period and up again in the next: torch's CosineAnnealingLR.</summary>
    /// <param name="start">Value at step 0.</param>
    /// <param name="end">Value after one period.</param>
    /// <param name="period">Steps from start to end.</param>
    /// <param name="steps">Steps of the whole run.</param>
    public static Schedule Annealing(double start, double end, long period, long steps) =>
        new(steps, step => HalfCosine(start, end, (double)step / period), end);

    /// <summary>Linear from one value to another over the first epochs, constant within an epoch and afterwards: the teacher temperature.</summary>
    /// <param name="start">Value of epoch 0.</param>
    /// <param name="end">Value after the warm-up.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up, both ends included.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <returns>One value per epoch.</returns>
    public static Schedule PerEpoch(double start, double end, int warmupEpochs, int epochs) =>
        new(epochs, epoch => epoch < warmupEpochs ? Linear(start, end, epoch, warmupEpochs) : end, end);

    private static double HalfCosine(double start, double end, double position) =>
        end + (0.5 * (start - end) * (1 + Math.Cos(Math.PI * position)));

    /// <summary>Value i of count that lead from one to the other, both ends included; a single one is the start, as in numpy.</summary>
    private static double Linear(double start, double end, long i, long count) =>
        count > 1 && i == count - 1 ? end : count > 1 ? start + (i * ((end - start) / (count - 1))) : start;
}
