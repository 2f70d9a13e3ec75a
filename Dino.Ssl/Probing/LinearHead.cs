namespace Dino.Ssl.Probing;

/// <summary>One linear classifier of a probe: what it sees of a picture, and how fast it learns.</summary>
/// <param name="Blocks">It sees the CLS tokens after so many of the last blocks, each after the final norm.</param>
/// <param name="AveragePool">Whether it also sees the mean patch token of the last block.</param>
/// <param name="LearningRate">At the start and for a batch of 256 pictures, as the official codes count it; used in proportion to the batch.</param>
public sealed record LinearHead(int Blocks, bool AveragePool, double LearningRate);
