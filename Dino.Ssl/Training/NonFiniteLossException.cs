namespace Dino.Ssl.Training;

/// <summary>The loss of a step is NaN or infinite. Nothing was updated: the state is the one after the step before.</summary>
public sealed class NonFiniteLossException : Exception
{
    /// <summary>An error that says where and what to try.</summary>
    public NonFiniteLossException(long step, StepReport report)
        : base($"The loss of step {step} is {report.Loss} (learning rate {report.Settings.LearningRate:g3}, teacher temperature {report.Settings.TeacherTemperature:g3}, teacher entropy {report.TeacherEntropy:g3}). " +
            "Start again with a lower --lr, longer --warmup-epochs, or --clip-grad 0.3; if it happens at the first step, the temperatures are too low.")
    {
    }

    /// <summary>An error with a message.</summary>
    public NonFiniteLossException(string message) : base(message) { }

    /// <summary>An error without details.</summary>
    public NonFiniteLossException() { }

    /// <summary>An error with its cause.</summary>
    public NonFiniteLossException(string message, Exception innerException) : base(message, innerException) { }
}
