namespace Dino.Tensors.Backends;

/// <summary>The two linear layers of an MLP.</summary>
/// <param name="FirstWeight">[H, K], inner.</param>
/// <param name="FirstBias">[H], optional.</param>
/// <param name="SecondWeight">[N, H], inner.</param>
/// <param name="SecondBias">[N], optional.</param>
public readonly record struct MlpViews(View FirstWeight, View FirstBias, View SecondWeight, View SecondBias);
