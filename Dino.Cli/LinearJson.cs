using System.Text.Json.Serialization;

namespace Dino.Cli;

/// <summary>What <c>dino linear</c> and <c>dino classify</c> print with <c>--json</c>, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(LinearOutput))]
[JsonSerializable(typeof(ClassifyOutput))]
internal sealed partial class LinearJson : JsonSerializerContext;

/// <param name="Top1">Percent of the best classifier at the last test; null if there was none yet.</param>
/// <param name="PeakTop1">Its highest in any epoch, which is what the official code reports.</param>
/// <param name="PeakEpoch">The epoch of that, from 1.</param>
/// <param name="Protocol">augmented (a new crop in every epoch) or cached (the centre crop).</param>
/// <param name="Best">Index into <paramref name="Classifiers"/>.</param>
/// <param name="Train">Pictures of the training folder, with the unusable ones.</param>
/// <param name="Test">Pictures of the test folder, with the unusable ones.</param>
internal sealed record LinearOutput(
    bool Completed, long Steps, long TotalSteps, int Epochs, double? Top1, double? Top5, double? PeakTop1, int? PeakEpoch, int? Best, ClassifierOutput[] Classifiers,
    string Protocol, int Classes, int Train, int Test, int Skipped, FeaturesOutput Features, string Output);

/// <summary>One classifier: what it sees, its learning rate for a batch of 256, and how it did at the last test.</summary>
internal sealed record ClassifierOutput(int Blocks, bool Avgpool, double Lr, double? Top1, double? Top5, double? TestLoss, double? TrainLoss);

internal sealed record ClassifyOutput(PictureOutput[] Pictures, int Skipped);

internal sealed record PictureOutput(string Path, ClassOutput[] Classes);

/// <param name="Probability">0 to 1.</param>
internal sealed record ClassOutput(string Name, float Probability);
