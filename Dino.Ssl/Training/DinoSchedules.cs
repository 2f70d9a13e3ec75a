using Dino.Nn;

namespace Dino.Ssl.Training;

/// <summary>What changes from step to step: learning rate, weight decay, teacher momentum and temperature.</summary>
public sealed class DinoSchedules
{
    private readonly Schedule _learningRate;
    private readonly Schedule _weightDecay;
    private readonly Schedule _momentum;
    private readonly Schedule _temperature;

    /// <summary>The schedules of a run.</summary>
    public DinoSchedules(DinoOptions options, int iterationsPerEpoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterationsPerEpoch, 1);
        IterationsPerEpoch = iterationsPerEpoch;
        int epochs = options.Epochs;
        _learningRate = Schedule.Cosine(options.ScaledLearningRate, options.MinLearningRate, epochs, iterationsPerEpoch, options.WarmupEpochs);
        _weightDecay = Schedule.Cosine(options.WeightDecay, options.WeightDecayEnd, epochs, iterationsPerEpoch);
        _momentum = Schedule.Cosine(options.MomentumTeacher, 1, epochs, iterationsPerEpoch);
        _temperature = Schedule.PerEpoch(options.WarmupTeacherTemperature, options.TeacherTemperature, options.WarmupTeacherTemperatureEpochs, epochs);
    }

    /// <summary>Iterations in an epoch.</summary>
    public int IterationsPerEpoch { get; }

    /// <summary>Steps of the whole run.</summary>
    public long Steps => _learningRate.Length;

    /// <summary>The values of a step, counted from 0 over the whole run.</summary>
    public DinoSettings At(long step) =>
        new(_learningRate[step], _weightDecay[step], _momentum[step], _temperature[step / IterationsPerEpoch], (int)(step / IterationsPerEpoch));
}
