namespace Dino.Ssl.Training;

/// <summary>Recognises runs that will not learn, while they run, and says which setting to change.</summary>
public static class TrainingHealth
{
    /// <summary>Looks at the means of an epoch.</summary>
    /// <param name="loss">Mean loss in nats.</param>
    /// <param name="entropy">Mean entropy of the teacher's targets in nats.</param>
    /// <param name="prototypes">K.</param>
    /// <returns>What is wrong and what to do; empty when nothing is.</returns>
    public static IReadOnlyList<string> Check(double loss, double entropy, int prototypes)
    {
        double uniform = Math.Log(prototypes);
        // Within a hundredth of uniform the targets carry no information worth learning.
        if (entropy > 0.99 * uniform && loss > 0.99 * uniform)
        {
            return [$"The teacher's targets are uniform: their entropy {entropy:f3} is ln K = {uniform:f3}, the loss {loss:f3}, and nothing is learned. " +
                "Lower --teacher-temp (0.02) and --warmup-teacher-temp, lower --momentum-teacher (0.99), or use fewer prototypes (--out-dim)."];
        }

        if (entropy < 0.01 * uniform && loss < 0.02 * uniform)
        {
            return [$"The loss {loss:f3} and the teacher's entropy {entropy:f3} are near zero: all pictures fall on the same prototype. " +
                "Raise --teacher-temp, or check that the pictures differ."];
        }

        return [];
    }
}
