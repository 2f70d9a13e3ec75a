namespace Dino.Tensors.Backends;

/// <summary>
/// What an optimizer step takes along on its sweep over memory: clipping of the gradient before the step, a follower after it. default is neither.
/// </summary>
/// <remarks>The gradient in memory stays as it is, and norms are read where they are: no device waits for its host.</remarks>
/// <param name="Norms">Norms of gradients, F32; segment s is clipped by element s.Norm. Absent: nothing is clipped.</param>
/// <param name="MaxNorm">Each gradient is taken times min(1, MaxNorm / (norm + 1e-6)).</param>
/// <param name="Follower">A buffer laid out as the parameters, moved within the segments. Absent: nobody follows.</param>
/// <param name="Momentum">m in follower = m · follower + (1 - m) · parameter, the parameter after its update; double, because 1 - m keeps few digits of a float m.</param>
public readonly record struct SweepExtras(View Norms, float MaxNorm, View Follower, double Momentum);
