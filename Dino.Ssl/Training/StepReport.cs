namespace Dino.Ssl.Training;

/// <summary>What a training step reports.</summary>
/// <param name="Loss">Mean cross-entropy over the pairs of views, in nats.</param>
/// <param name="TeacherEntropy">Mean entropy of the teacher's targets, in nats; ln K is uniform, 0 is one prototype for each picture.</param>
/// <param name="Settings">The scheduled values that were used.</param>
public readonly record struct StepReport(float Loss, float TeacherEntropy, DinoSettings Settings)
{
    /// <summary>Kullback-Leibler divergence of student from teacher: what is left to learn. 0 together with an entropy of ln K is collapse.</summary>
    public float Divergence => Loss - TeacherEntropy;

    /// <summary>With a share of the loss and the entropy of another part of the batch.</summary>
    internal StepReport Plus(StepReport part, float share) =>
        this with { Loss = Loss + (share * part.Loss), TeacherEntropy = TeacherEntropy + (share * part.TeacherEntropy) };
}
