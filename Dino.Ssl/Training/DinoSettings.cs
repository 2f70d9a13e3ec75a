namespace Dino.Ssl.Training;

/// <summary>The scheduled values of one step.</summary>
public readonly record struct DinoSettings(double LearningRate, double WeightDecay, double Momentum, double TeacherTemperature, int Epoch);
