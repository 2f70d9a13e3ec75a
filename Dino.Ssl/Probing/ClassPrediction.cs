namespace Dino.Ssl.Probing;

/// <summary>A class that a picture may show.</summary>
/// <param name="Name">Of the class.</param>
/// <param name="Number">Of the class.</param>
/// <param name="Probability">By the softmax of the classifier, 0 to 1.</param>
public readonly record struct ClassPrediction(string Name, int Number, float Probability);
