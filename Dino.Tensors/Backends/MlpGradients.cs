namespace Dino.Tensors.Backends;

/// <summary>Where the gradients of an MLP's parameters go, each of its parameter's shape.</summary>
/// <param name="FirstWeight">[H, K].</param>
/// <param name="FirstBias">[H].</param>
/// <param name="SecondWeight">[N, H].</param>
/// <param name="SecondBias">[N].</param>
public readonly record struct MlpGradients(Destination FirstWeight, Destination FirstBias, Destination SecondWeight, Destination SecondBias);
